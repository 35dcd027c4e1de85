import { invalid } from '../error.ts';
import { quote } from '../text.ts';
import { checked } from './check.ts';
import type { Condition, Fields } from './condition.ts';
import { FilterMistake, parseFilter } from './parse.ts';

/** The longest filter, in characters; the proto files say so too. */
export const FILTER_LENGTH_MAX = 4096;

/** How much of a filter a message repeats from where it went wrong. */
const NEAR_LENGTH = 24;

/**
 * What a caller wants of a list, from a filter in the language that docs/lists.md describes. Undefined for
 * an empty one. Raises INVALID about the field `filter` that says where it went wrong.
 */
export function readFilter<Row>(text: string, fields: Fields<Row>): Condition | undefined {
  if (text.length > FILTER_LENGTH_MAX) {
    throw invalid('filter', `has ${text.length} characters: give at most ${FILTER_LENGTH_MAX}`);
  }
  try {
    const expression = parseFilter(text);
    return expression && checked(expression, fields);
  } catch (reason) {
    if (!(reason instanceof FilterMistake)) throw reason;
    throw invalid('filter', `${place(text, reason.at)}: ${reason.message}`);
  }
}

/** `at character 9, near "OR state"`, counted as a person counts. */
function place(text: string, at: number): string {
  const near = text.slice(at, at + NEAR_LENGTH);
  const character = [...text.slice(0, at)].length + 1;
  return near === '' ? 'at its end' : `at character ${character}, near ${quote(near)}`;
}
