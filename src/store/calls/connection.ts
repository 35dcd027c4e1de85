import type { DefaultSettings } from '../../domain/webhook/defaults.ts';
import type { Part } from '../delivery-log.ts';
/** What the calls of all concerns have in common. */
import type { CallSize } from '../rows/bytes.ts';
import type { Listed } from '../rows/filters.ts';
import type { Client } from './client.ts';
import type { Feed } from './feed.ts';

/** What the verbs are made of: calls to an adapter, and the feed of what they made visible. */
export interface Connection {
  readonly client: Client;
  readonly feed: Feed;
  readonly defaults: DefaultSettings;
}

export const ONE_ROW: CallSize = { rows: 1, bytes: 0 };

export function rowsUpTo(limit: number): CallSize {
  return { rows: limit, bytes: 0 };
}

export function sized(batch: readonly unknown[]): CallSize {
  return { rows: batch.length, bytes: 0 };
}

/** What a part of a list is to callers. */
export function partOf<Row, T>({ rows, next, looked }: Listed<Row>, from: (row: Row) => T): Part<T> {
  return { rows: rows.map(from), next, looked };
}

/** Reads a list part by part, up to so many rows: others have the database in between. */
export async function listAll<
  Filter extends { readonly from: string | undefined; readonly limit: number },
  Row,
>(limit: number, filter: Filter, scan: (filter: Filter) => Promise<Part<Row>>): Promise<Row[]> {
  const rows: Row[] = [];
  let { from }: { from: string | null | undefined } = filter;
  do {
    const part: Part<Row> = await scan({ ...filter, from, limit: limit - rows.length });
    rows.push(...part.rows);
    from = part.next;
  } while (from !== null && rows.length < limit);
  return rows;
}
