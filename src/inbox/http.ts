import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import { hostsOf } from '../domain/access/host.ts';
import { isOwnOrigin } from '../domain/access/origin.ts';
import type { Source } from '../domain/access/source.ts';

/** Node's own requests and responses, of HTTP/1.1 or of HTTP/2's compatibility API. */
export type InboxRequest = IncomingMessage | Http2ServerRequest;
export type InboxResponse = ServerResponse | Http2ServerResponse;

/**
 * On every answer. Nothing is loaded from elsewhere, nothing inline runs, no other site may frame or
 * embed what is here, and no browser guesses a type: what strangers send is shown, never run.
 */
const SAFE_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

export interface Reply {
  readonly status: number;
  /** The media type. */
  readonly type: string;
  readonly body: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a request, whole and at once. */
export function reply(res: InboxResponse, { status, type, body, headers }: Reply): void {
  writeSafeHeaders(res, { 'cache-control': 'no-store', ...headers });
  res.statusCode = status;
  // RFC 9110, section 15: these have no content, and Node refuses to write any.
  if (status === 204 || status === 205 || status === 304) {
    res.end();
    return;
  }
  const bytes = typeof body === 'string' ? Buffer.from(body) : body;
  res.setHeader('content-type', type);
  res.setHeader('content-length', String(bytes.length));
  res.end(bytes);
}

export function replyJson(res: InboxResponse, status: number, value: unknown): void {
  reply(res, { status, type: 'application/json', body: `${JSON.stringify(value)}\n` });
}

/** Answers with what was wrong, as a sentence that says what to do. */
export function refuse(
  res: InboxResponse,
  status: number,
  error: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  const body = `${JSON.stringify({ error })}\n`;
  reply(res, { status, type: 'application/json', body, headers });
}

/** Refuses a request by its host. What was sent along must be read for the connection to go on. */
export function refuseHost(req: InboxRequest, res: InboxResponse, why: string): void {
  req.resume();
  refuse(res, 403, `${why.charAt(0).toUpperCase()}${why.slice(1)}.`);
}

export function writeSafeHeaders(res: InboxResponse, headers: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(SAFE_HEADERS)) res.setHeader(name, value);
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value);
}

/** Whether a person's browser asks for a page, rather than a program for data. */
export function wantsPage(req: InboxRequest): boolean {
  const asks = req.method === 'GET' || req.method === 'HEAD';
  return asks && (req.headers.accept ?? '').toLowerCase().includes('text/html');
}

/**
 * Whether a request to change something comes from our own page or from no page at all.
 *
 * Every site that is open in the user's browser can send requests to a server on loopback. Browsers
 * tell where a request comes from: in `sec-fetch-site` where the server is trustworthy to them
 * (loopback, https), otherwise in `origin`. Programs such as curl send neither and are let in: who
 * can run programs here needs no browser to do harm.
 *
 * Protected: other sites can neither change an inbox nor, having no CORS grant, read one. What they
 * can do is add requests to it, as anybody can; an inbox is a letter box. A site whose own name resolves
 * to this address would be the same origin to the browser, but is refused before, by its host.
 */
export function isFromOwnPage(req: InboxRequest, { isSecure }: Pick<Source, 'isSecure'>): boolean {
  const site = req.headers['sec-fetch-site'];
  if (site !== undefined) return site === 'same-origin' || site === 'none';
  const origin = req.headers.origin;
  return origin === undefined || isOwnOrigin(origin, hostsOf(req), isSecure);
}
