import type { Catalog } from './catalog.ts';
import type { Entry, Later, Source } from './merge.ts';
import type { Listed, Span, TypeFilter } from './protocol.ts';

/** Rows that one call of a list looks at, at most: a few milliseconds, in which nobody else has the database. */
const LOOKED_AT_MAX = 2_000;

/** An id less than any, and one greater. */
const LEAST = '';
const GREATEST = '~';

/** Where a list begins. */
export function beginning({ ascending, from }: Span): string {
  return from ?? (ascending ? LEAST : GREATEST);
}

/** In the order of a list: `sql` has a place for what compares an id with ?1, and for the direction. */
export function bothWays(sql: (compares: '<' | '>', direction: 'DESC' | 'ASC') => string): {
  readonly descending: string;
  readonly ascending: string;
} {
  return { descending: sql('<', 'DESC'), ascending: sql('>', 'ASC') };
}

/** Turns entries into rows, of those that are asked for, until there are enough or enough were looked at. */
export function collect<Row>(
  entries: Iterable<Entry>,
  { limit }: Span,
  read: (key: number) => Row | undefined,
): Listed<Row> {
  const rows: Row[] = [];
  let lookedAt = 0;
  for (const [id, key] of entries) {
    const row = read(key);
    if (row !== undefined) rows.push(row);
    lookedAt++;
    if (rows.length >= limit || lookedAt >= LOOKED_AT_MAX) return { rows, next: id };
  }
  return { rows, next: null };
}

/** The buckets of a catalog in which a list can have anything, each to be opened when its turn comes. */
export function inBuckets(
  catalog: Catalog,
  { ascending, since, until, ...span }: Span,
  open: (bucket: number) => readonly Source[],
): Later[] {
  const from = beginning({ ascending, since, until, ...span });
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

export function isOfType(type: string, filter: TypeFilter | undefined): boolean {
  if (filter === undefined) return true;
  return filter.exact ? type === filter.text : type.startsWith(filter.text);
}

/** The types in order, from one to the next, that a filter lets through. */
export function* typesOf(
  filter: TypeFilter | undefined,
  next: (after: string, orAt: boolean) => string | undefined,
): Generator<string, undefined> {
  if (filter?.exact) {
    yield filter.text;
    return undefined;
  }
  let type = next(filter?.text ?? '', true);
  while (type !== undefined && isOfType(type, filter)) {
    yield type;
    type = next(type, false);
  }
  return undefined;
}
