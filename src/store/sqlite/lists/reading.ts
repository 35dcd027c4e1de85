import { GREATEST, LEAST, type Listed, type Span, type TypeFilter } from '../../rows/filters.ts';
import type { Catalog } from './catalog.ts';
import { ENTRY, type Entry, type Later, type Source } from './merge.ts';

/**
 * What one call of a list may cost. It blocks the database for a few milliseconds then. Looking at an entry
 * counts one; reading its row counts more, because it may have to be read from the disk.
 */
export const COST_MAX = 8_192;
export const ROW_COST = 32;

/** Where a list begins. */
export function beginning({ ascending, from }: Pick<Span, 'ascending' | 'from'>): string {
  return from ?? (ascending ? LEAST : GREATEST);
}

/** Reads the rows of the entries that pass the filter, until there are enough or the cost is reached. */
export function collect<Row>(
  entries: Iterable<Entry>,
  { limit, since, until, type }: Span,
  read: (key: number) => Row | undefined,
): Listed<Row> {
  const { at } = ENTRY;
  const rows: Row[] = [];
  let looked = 0;
  let cost = 0;
  for (const entry of entries) {
    const createdAt = entry[at.createdAt];
    looked++;
    cost++;
    if (createdAt >= since && createdAt < until && isOfType(entry[at.type], type)) {
      cost += ROW_COST;
      const row = read(entry[at.key]);
      if (row !== undefined) rows.push(row);
    }
    if (rows.length >= limit || cost >= COST_MAX) return { rows, next: entry[at.id], looked };
  }
  return { rows, next: null, looked };
}

/** The buckets of a catalog in which rows of the span can be, each to be opened when its turn comes. */
export function inBuckets(
  catalog: Catalog,
  span: Span,
  open: (bucket: number) => readonly Source[],
): Later[] {
  const { ascending, since, until } = span;
  const from = beginning(span);
  return catalog
    .buckets()
    .filter((bucket) => bucket.until >= since && bucket.since < until)
    .filter(({ least, greatest }) => (ascending ? greatest > from : least < from))
    .map(({ bucket, least, greatest }) => ({
      first: ascending ? least : greatest,
      open: () => open(bucket),
    }))
    .sort((a, b) => (a.first === b.first ? 0 : a.first < b.first === ascending ? -1 : 1));
}

/** The types that a filter lets through, in order, as `next` finds them. */
export function* typesOf(
  filter: TypeFilter | undefined,
  next: (from: string, isFound: boolean) => string | undefined,
): Generator<string, undefined> {
  if (filter?.exact) {
    yield filter.text;
    return undefined;
  }
  let type = next(filter?.text ?? '', false);
  while (type !== undefined && isOfType(type, filter)) {
    yield type;
    type = next(type, true);
  }
  return undefined;
}

/** Types that a filter lets through lie between these two, both included. */
export function rangeOf(filter: TypeFilter | undefined): readonly [first: string, last: string] {
  const text = filter?.text ?? '';
  return [text, filter?.exact ? text : `${text}\uffff`];
}

function isOfType(type: string, filter: TypeFilter | undefined): boolean {
  if (filter === undefined) return true;
  return filter.exact ? type === filter.text : type.startsWith(filter.text);
}
