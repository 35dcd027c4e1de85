import { createHash } from 'node:crypto';
import { invalidRequest } from '../domain/error.ts';

/**
 * What a page may take on the wire, about: gRPC clients refuse messages above 4 MiB. A page is cut
 * short there, which AIP-158 allows.
 */
const PAGE_BYTES = 2 * 1024 * 1024;

/** The page of a caller who does not say how large. */
const PAGE_SIZE_DEFAULT = 50;
/** The largest page; larger ones are cut to it (AIP-158). */
const PAGE_SIZE_MAX = 1000;

/** Rows read from the store at a time, since each may hold a payload of 1 MiB. */
const CHUNK_ROWS = 25;

export interface PageQuery<Row> {
  /** The RPC, the namespace and the filters: a token is good for the same ones only. */
  readonly query: readonly unknown[];
  readonly pageSize: number;
  readonly pageToken: string;
  /** The rows that follow the one with this id, at most so many. */
  readonly read: (after: string | undefined, limit: number) => Promise<readonly Row[]>;
  readonly idOf: (row: Row) => string;
  /** What a row takes on the wire, about. */
  readonly bytesOf: (row: Row) => number;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/** One page (AIP-158). Raises INVALID for a token of another query, and for what is none. */
export async function readPage<Row>(page: PageQuery<Row>): Promise<Page<Row>> {
  const { query, read, idOf, bytesOf } = page;
  const size = Math.min(page.pageSize === 0 ? PAGE_SIZE_DEFAULT : page.pageSize, PAGE_SIZE_MAX);
  const rows: Row[] = [];
  let bytes = 0;
  let after = page.pageToken === '' ? undefined : readToken(query, page.pageToken);
  for (;;) {
    // One more than wanted tells whether there is another page.
    const limit = Math.min(size + 1 - rows.length, CHUNK_ROWS);
    const chunk = await read(after, limit);
    for (const row of chunk) {
      bytes += bytesOf(row);
      const full = rows.length === size || (rows.length > 0 && bytes > PAGE_BYTES);
      if (full) return { rows, nextPageToken: writeToken(query, after!) };
      rows.push(row);
      after = idOf(row);
    }
    if (chunk.length < limit) return { rows, nextPageToken: '' };
  }
}

/** A part of a hash is enough: a token that fits by chance does no harm. */
const HASH_LENGTH = 12;

function writeToken(query: readonly unknown[], id: string): string {
  return hashOf(query) + Buffer.from(id).toString('base64url');
}

function readToken(query: readonly unknown[], token: string): string {
  const id = Buffer.from(token.slice(HASH_LENGTH), 'base64url').toString();
  const valid = token.slice(0, HASH_LENGTH) === hashOf(query) && /^[a-z]{2,4}_[0-9A-Z]{26}$/.test(id);
  if (valid) return id;
  const description =
    'is not a token of this query; repeat the namespace and filters that it came with, or leave it out to start again';
  throw invalidRequest([{ field: 'page_token', description, reason: 'PAGE_TOKEN_INVALID' }]);
}

function hashOf(query: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, HASH_LENGTH);
}
