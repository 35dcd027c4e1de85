import { field, integer, layout, type RowOf, text } from '../../rows/layout.ts';

/** An entry of a list: an id, the key of its row, and the fields of the row that the list has. */
export const ENTRY = layout(
  field('id', text),
  field('key', integer),
  field('createdAt', integer),
  field('type', text),
);
export type Entry = Readonly<RowOf<typeof ENTRY>>;

/** A list in order that is read a piece at a time. */
export interface Source {
  readonly head: () => Entry | undefined;
  readonly advance: () => void;
}

/** Sources that are not opened before the merge comes to the first id that they can have. */
export interface Later {
  readonly first: string;
  readonly open: () => readonly Source[];
}

const { at } = ENTRY;

/** Entries read of a source at a time, at most. */
const PIECE_MAX = 256;

/** `read` gives up to `limit` entries beyond an id. */
export function source(
  from: string,
  limit: number,
  read: (from: string, limit: number) => readonly Entry[],
): Source {
  const piece = Math.min(limit, PIECE_MAX);
  let entries = read(from, piece);
  let next = 0;
  return {
    head: () => entries[next],
    advance() {
      next++;
      // A short piece was the last one.
      if (next < entries.length || entries.length < piece) return;
      entries = read(entries.at(-1)![at.id], piece);
      next = 0;
    },
  };
}

/** What is in any of the lists, in order. `later` comes in the order of their first ids. */
export function* merge(
  ascending: boolean,
  sources: readonly Source[],
  later: readonly Later[] = [],
): Generator<Entry, undefined> {
  const isBefore = ascending
    ? (a: string, b: string): boolean => a < b
    : (a: string, b: string): boolean => a > b;
  const open = sources.filter((each) => each.head() !== undefined);
  let opened = 0;
  for (;;) {
    let first: Source | undefined;
    for (const each of open) {
      if (first === undefined || isBefore(each.head()![at.id], first.head()![at.id])) first = each;
    }
    const next = later[opened];
    if (next !== undefined && (first === undefined || !isBefore(first.head()![at.id], next.first))) {
      open.push(...next.open().filter((each) => each.head() !== undefined));
      opened++;
      continue;
    }
    if (first === undefined) return undefined;
    yield first.head()!;
    first.advance();
    if (first.head() === undefined) open.splice(open.indexOf(first), 1);
  }
}
