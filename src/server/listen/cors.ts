import { cors } from '@connectrpc/connect';
import type { ListenerRequest, ListenerResponse } from './http-protocol.ts';

/** Headers of ours that a page may send beside those of the protocols. */
const ALLOWED_HEADERS = [
  ...cors.allowedHeaders,
  'Authorization',
  'Idempotency-Key',
  'If-Match',
  'If-None-Match',
  'Last-Event-ID',
].join(', ');
const ALLOWED_METHODS = [...cors.allowedMethods, 'PATCH', 'DELETE'].join(', ');
/** Those that a page may read. */
const EXPOSED_HEADERS = [...cors.exposedHeaders, 'ETag', 'Location', 'Retry-After'].join(', ');
/** How long a browser may remember the answer: two hours is the most that any of them honours. */
const MAX_AGE_SECONDS = 7200;

/**
 * Lets pages of the given origins call the API from a browser; `*` stands for any. Without origins it
 * says nothing, and browsers refuse. Returns true when the request was a preflight and is answered.
 */
export function handleCors(
  origins: readonly string[],
  request: ListenerRequest,
  response: ListenerResponse,
): boolean {
  const { origin } = request.headers;
  if (origins.length === 0 || typeof origin !== 'string') return false;
  // What is answered depends on who asks: a cache must not give one page's answer to another.
  response.setHeader('vary', 'Origin');
  if (!origins.includes('*') && !origins.includes(origin)) return false;
  response.setHeader('access-control-allow-origin', origin);
  response.setHeader('access-control-expose-headers', EXPOSED_HEADERS);
  if (request.method !== 'OPTIONS' || request.headers['access-control-request-method'] === undefined)
    return false;
  response.setHeader('access-control-allow-methods', ALLOWED_METHODS);
  response.setHeader('access-control-allow-headers', ALLOWED_HEADERS);
  response.setHeader('access-control-max-age', MAX_AGE_SECONDS);
  response.statusCode = 204;
  response.end();
  return true;
}
