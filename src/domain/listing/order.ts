import { invalid } from '../error.ts';
import { quote } from '../text.ts';

/** What a list is ordered by. */
export interface Order<Field extends string = string> {
  readonly by: Field;
  readonly descending: boolean;
}

/**
 * Reads the `order_by` of a list (https://google.aip.dev/132): the name of a field, with ` desc` behind it for
 * the other direction. The order without one is the list's own. Raises INVALID that says which fields there are.
 */
export function readOrder<Field extends string>(
  text: string,
  fields: readonly Field[],
  usual: Order<Field>,
): Order<Field> {
  const words = text.split(/\s+/).filter((word) => word !== '');
  if (words.length === 0) return usual;
  const by = fields.find((field) => field === words[0]);
  const [, direction = 'asc', ...rest] = words;
  const isKnown = direction === 'asc' || direction === 'desc';
  if (by !== undefined && isKnown && rest.length === 0) return { by, descending: direction === 'desc' };
  const known = fields.flatMap((field) => [field, `${field} desc`]).join(', ');
  throw invalid('order_by', `cannot be ${quote(text.trim())}; it is one of ${known}`);
}
