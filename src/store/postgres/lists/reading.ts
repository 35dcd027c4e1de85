import type { StateCode } from '../../rows/codes.ts';
import type { Listed, Span, TypeFilter } from '../../rows/filters.ts';
import { as, field, integer, layout, type RowOf, text } from '../../rows/layout.ts';

/** What is read of a list before whole rows are read of it. */
export const ENTRY = layout(
  field('id', text),
  field('createdAt', integer),
  field('type', text),
  field('state', as<StateCode>()),
  field('lastStatus', integer),
);
export type Entry = Readonly<RowOf<typeof ENTRY>>;

/** Entries that are read at a time where it is not known how many of them are wanted. */
const PIECE = 1_000;
/** Entries that one call looks at, at most, and rows that it reads: it takes a few milliseconds then. */
const LOOKED_AT_MAX = 4_000;
const READ_MAX = 500;

/** An id less than any, and one greater. */
const LEAST = '';
const GREATEST = '~';

export interface Reading<Row> {
  /** Up to so many entries beyond an id, in order. */
  readonly entries: (from: string, limit: number) => Promise<readonly Entry[]>;
  /** Whether an entry can be wanted. */
  readonly isWanted: (entry: Entry) => boolean;
  /** Whether no entry, and no row, is left out that is read. */
  readonly isPlain: boolean;
  /** The rows of entries that are wanted; undefined for those that are not, or are gone. */
  readonly rows: (ids: readonly string[]) => Promise<readonly (Row | undefined)[]>;
}

/** Reads the rows of the entries that are wanted, until there are enough or much was looked at. */
export async function collect<Row>(
  { ascending, from, limit }: Pick<Span, 'ascending' | 'from' | 'limit'>,
  { entries, isWanted, isPlain, rows }: Reading<Row>,
): Promise<Listed<Row>> {
  const found: Row[] = [];
  let place = from ?? (ascending ? LEAST : GREATEST);
  let looked = 0;
  let read = 0;
  for (;;) {
    const size = isPlain ? Math.min(limit - found.length, READ_MAX) : PIECE;
    const piece = await entries(place, size);
    let next = 0;
    while (next < piece.length) {
      // No more rows at a time than are wanted, or than may be read.
      const stretch: string[] = [];
      const room = Math.max(1, Math.min(limit - found.length, READ_MAX - read));
      while (next < piece.length && stretch.length < room) {
        const entry = piece[next++]!;
        looked++;
        if (isWanted(entry)) stretch.push(entry[ENTRY.at.id]);
      }
      place = piece[next - 1]![ENTRY.at.id];
      read += stretch.length;
      for (const row of stretch.length === 0 ? [] : await rows(stretch)) {
        if (row !== undefined) found.push(row);
      }
      if (found.length >= limit || read >= READ_MAX || looked >= LOOKED_AT_MAX) {
        return { rows: found, next: place, looked };
      }
    }
    if (piece.length < size) return { rows: found, next: null, looked };
  }
}

export function isInSpan(
  entry: Entry,
  { since, until, type }: Pick<Span, 'since' | 'until' | 'type'>,
): boolean {
  const createdAt = entry[ENTRY.at.createdAt];
  return createdAt >= since && createdAt < until && isOfType(entry[ENTRY.at.type], type);
}

/** Whether a span leaves nothing out. */
export function isWhole({ since, until, type, where }: Span): boolean {
  return (
    since === Number.MIN_SAFE_INTEGER &&
    until === Number.MAX_SAFE_INTEGER &&
    type === undefined &&
    where === undefined
  );
}

function isOfType(type: string, filter: TypeFilter | undefined): boolean {
  if (filter === undefined) return true;
  return filter.exact ? type === filter.text : type.startsWith(filter.text);
}
