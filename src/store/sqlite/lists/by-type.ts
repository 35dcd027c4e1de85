import type { Span } from '../../rows/filters.ts';
import type { Database, Statement } from '../database.ts';
import type { Catalog } from './catalog.ts';
import { ENTRY, type Entry, type Later, source } from './merge.ts';
import { beginning, inBuckets, typesOf } from './reading.ts';

/** A list by type, of the rows that belong to one owner: a namespace or a webhook. */
export interface ListByType {
  /** The entries of one type beyond an id. */
  readonly entries: Statement<Entry>;
  /** The first type that is not less than another, and the first that is greater. */
  readonly typeFrom: Statement<[type: string]>;
  readonly typeAfter: Statement<[type: string]>;
}

/** `owner` is the column that names the owner. */
export function listByType(db: Database, table: string, owner: string, ascending: boolean): ListByType {
  const [beyond, direction] = ascending ? ['>', 'ASC'] : ['<', 'DESC'];
  const firstType = (isBeyond: '>=' | '>') =>
    db.prepare<[type: string]>(
      `SELECT type FROM ${table} WHERE bucket = ? AND ${owner} = ? AND type ${isBeyond} ? ORDER BY type LIMIT 1`,
    );
  return {
    entries: db.prepare<Entry>(`
      SELECT ${ENTRY.columns} FROM ${table}
      WHERE id ${beyond} ? AND bucket = ? AND ${owner} = ? AND type = ?
        AND created_at >= ? AND created_at < ?
      ORDER BY id ${direction} LIMIT ?`),
    typeFrom: firstType('>='),
    typeAfter: firstType('>'),
  };
}

/** The rows of an owner that can pass a filter, bucket by bucket, with a source for each type in a bucket. */
export function readByType(
  catalog: Catalog,
  { entries, typeFrom, typeAfter }: ListByType,
  owner: string | number,
  filter: Span,
): Later[] {
  const { since, until, type } = filter;
  return inBuckets(catalog, filter, (bucket) => {
    const types = typesOf(type, (from, isFound) => {
      const [next] = (isFound ? typeAfter : typeFrom).get(bucket, owner, from) ?? [];
      return next;
    });
    return Array.from(types, (each) =>
      source(beginning(filter), filter.limit, (from, limit) =>
        entries.all(from, bucket, owner, each, since, until, limit),
      ),
    );
  });
}
