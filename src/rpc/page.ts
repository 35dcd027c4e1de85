import { createHash } from 'node:crypto';
import type { Read } from '../control/list.ts';
import { invalid } from '../domain/error.ts';
import { isPlace } from '../domain/listing/place.ts';

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

/**
 * How many entries of a list a page looks at, about, so that a filter which hardly anything passes does not
 * read everything there is for one call. The proto files say so too.
 */
export const LOOKED_MAX = 10_000;

export interface PageQuery<Row> {
  /** The RPC, the namespace, the filter and the order: a token is good for the same ones only. */
  readonly query: readonly unknown[];
  readonly pageSize: number;
  readonly pageToken: string;
  readonly read: Read<Row>;
  /** The place of a row in the list. */
  readonly placeOf: (row: Row) => string;
  /** What a row takes on the wire, about. */
  readonly bytesOf: (row: Row) => number;
  /** The caller's. */
  readonly signal: AbortSignal;
}

export interface Page<Row> {
  readonly rows: readonly Row[];
  /** Empty on the last page. */
  readonly nextPageToken: string;
}

/**
 * One page (AIP-158). It can be short, or empty, though more follow. Stops between two parts of the list when
 * the caller is gone. Raises INVALID for a token of another query, and for what is none.
 */
export async function readPage<Row>(page: PageQuery<Row>): Promise<Page<Row>> {
  const { query, read, placeOf, bytesOf, signal } = page;
  const size = Math.min(page.pageSize === 0 ? PAGE_SIZE_DEFAULT : page.pageSize, PAGE_SIZE_MAX);
  const rows: Row[] = [];
  let bytes = 0;
  let looked = 0;
  let place = readToken(query, page.pageToken);
  for (;;) {
    signal.throwIfAborted();
    // One more than wanted tells whether there is another page.
    const part = await read(place, Math.min(size + 1 - rows.length, CHUNK_ROWS));
    for (const row of part.rows) {
      bytes += bytesOf(row);
      const full = rows.length === size || (rows.length > 0 && bytes > PAGE_BYTES);
      if (full) return { rows, nextPageToken: writeToken(query, place!) };
      rows.push(row);
      place = placeOf(row);
    }
    if (part.next === null) return { rows, nextPageToken: '' };
    place = part.next;
    looked += part.looked;
    if (looked >= LOOKED_MAX) return { rows, nextPageToken: writeToken(query, place) };
  }
}

/** A part of a hash is enough: a token that fits by chance does no harm. */
const HASH_LENGTH = 12;

/** A token that goes on after a place in what a query finds. */
export function writeToken(query: readonly unknown[], place: string): string {
  return hashOf(query) + Buffer.from(place).toString('base64url');
}

/** The place in a token; undefined for an empty one. Raises INVALID for one of another query, and for what is none. */
export function readToken(query: readonly unknown[], token: string): string | undefined {
  if (token === '') return undefined;
  const place = Buffer.from(token.slice(HASH_LENGTH), 'base64url').toString();
  if (token.slice(0, HASH_LENGTH) === hashOf(query) && isPlace(place)) return place;
  throw invalid(
    'page_token',
    'is not a token of this query; repeat the namespace, filter and other fields that it came with, or leave it out ' +
      'to start again',
    'PAGE_TOKEN_INVALID',
  );
}

function hashOf(query: readonly unknown[]): string {
  return createHash('sha256').update(JSON.stringify(query)).digest('base64url').slice(0, HASH_LENGTH);
}
