import type { Flag } from '../../rows/codes.ts';
import { as, field, integer, layout, type RowOf, text } from '../../rows/layout.ts';
import type { Database, Statement } from '../database.ts';

/**
 * The lists of a table by id, into which its rows are entered many at a time. The newest rows are in no
 * list yet, so a reader of a list has to read them as well.
 */
export interface Catalog {
  /** The last row that was entered; those after it are in no list. */
  readonly upto: () => number;
  /** Whether a row was entered. */
  readonly has: (key: number) => boolean;
  /** By order of arrival. */
  readonly buckets: () => readonly Bucket[];
  /** Notes that rows were inserted, up to this one, and enters those that are old enough. */
  readonly grew: (last: number) => void;
  /** Enters all of them. */
  readonly enter: (last: number) => void;
  /** Forgets the buckets before the one of this row: they have no rows any more. */
  readonly trim: (first: number) => void;
  /** Marks a bucket as having no data any more. */
  readonly erase: (bucket: number) => void;
  /** Reads everything from the database again, after a rollback. */
  readonly reload: () => void;
}

export interface Bucket {
  readonly bucket: number;
  /** The ids in it. */
  readonly least: string;
  readonly greatest: string;
  /** The first and the last time of creation. */
  readonly since: number;
  readonly until: number;
  readonly erased: boolean;
}

const BUCKET = layout(
  field('bucket', integer),
  field('least', text),
  field('greatest', text),
  field('since', integer),
  field('until', integer),
  field('erased', as<Flag>()),
  field('upto', integer),
);

export interface CatalogOptions {
  /** Tells the buckets of one table from those of another. */
  readonly list: number;
  readonly table: string;
  readonly key: string;
  /** Enter the rows after ?1 up to ?2 in a list. */
  readonly enter: readonly string[];
}

/** Places in a bucket. At about 50 bytes for each entry, one bucket of a list fits in the page cache. */
export const BUCKET_ROWS = 32_768;
/** The bucket of a row. */
export function bucketOf(key: number): number {
  return Math.floor(key / BUCKET_ROWS);
}

/** Rows are entered when more than this are in no list; the youngest are left out, since they still change. */
const LOOSE_MAX = 3_072;
const LOOSE_KEPT = 1_024;

export function createCatalog(db: Database, { list, table, key, enter }: CatalogOptions): Catalog {
  const { at } = BUCKET;
  const select = db.prepare<RowOf<typeof BUCKET>>(`
    SELECT ${BUCKET.columns} FROM buckets WHERE list = ${list} ORDER BY bucket`);
  const entering: Statement<never>[] = enter.map((sql) => db.prepare(sql));
  const extend = db.prepare(`
    INSERT INTO buckets (list, bucket, least, greatest, since, until, upto)
    SELECT ${list}, ${key} / ${BUCKET_ROWS} AS bucket, min(id), max(id), min(created_at), max(created_at), ?2
    FROM ${table} WHERE ${key} > ?1 AND ${key} <= ?2 GROUP BY bucket
    ON CONFLICT DO UPDATE SET
      least = min(least, excluded.least), greatest = max(greatest, excluded.greatest),
      since = min(since, excluded.since), until = max(until, excluded.until), upto = excluded.upto`);
  const markErased = db.prepare(`UPDATE buckets SET erased = 1 WHERE list = ${list} AND bucket = ?`);
  const drop = db.prepare(`DELETE FROM buckets WHERE list = ${list} AND bucket < ?`);

  let buckets: readonly Bucket[] = [];
  let entered = 0;

  function reload(): void {
    const rows = select.all();
    buckets = rows.map((row) => ({
      bucket: row[at.bucket],
      least: row[at.least],
      greatest: row[at.greatest],
      since: row[at.since],
      until: row[at.until],
      erased: row[at.erased] === 1,
    }));
    entered = rows.at(-1)?.[at.upto] ?? 0;
  }

  function enterUpTo(upto: number): void {
    for (const statement of entering) statement.run(entered, upto);
    extend.run(entered, upto);
    reload();
    // Also when none of these rows is left: their places must not be given to new rows.
    entered = upto;
  }

  reload();
  return {
    upto: () => entered,
    has: (key) => key <= entered,
    buckets: () => buckets,
    grew(last) {
      if (last - entered > LOOSE_MAX) enterUpTo(last - LOOSE_KEPT);
    },
    enter: enterUpTo,
    trim(first) {
      const oldest = buckets[0];
      // The last bucket says how far was entered.
      if (buckets.length < 2 || oldest === undefined || oldest.bucket >= bucketOf(first)) return;
      drop.run(Math.min(bucketOf(first), buckets.at(-1)!.bucket));
      reload();
    },
    erase(bucket) {
      markErased.run(bucket);
      reload();
    },
    reload,
  };
}
