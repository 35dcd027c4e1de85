import type { GivenAnswer } from './answer.ts';

/** How much of a body is shown in a list. */
const PREVIEW_BYTES = 512;

/** What became of the signature: `unsigned` when there are no webhook headers at all. */
export type Signature =
  | { readonly state: 'checking' }
  | { readonly state: 'valid' }
  | { readonly state: 'invalid'; readonly reason: string }
  | { readonly state: 'unknown'; readonly reason: string }
  | { readonly state: 'unsigned' };

/** What one request was or will be answered; `hung-up` when its sender did not wait for it. */
export interface AnswerState extends GivenAnswer {
  readonly state: 'waiting' | 'sent' | 'hung-up';
}

/** A request that was sent to an inbox. */
export interface Received {
  /** Its number in its inbox, from 1, never used again. */
  readonly number: number;
  readonly receivedAt: number;
  readonly method: string;
  /** With the query, as it was written. */
  readonly path: string;
  readonly httpVersion: string;
  /** In the order and spelling of the wire, repeated ones too. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** What of the body was kept, from its beginning. */
  readonly body: Uint8Array;
  /** The size of the body; what was read of it, where it was refused. */
  readonly bytes: number;
  readonly webhookId: string | null;
  /** Carillon's own count of attempts. */
  readonly attempt: number | null;
  /** Why it was not accepted; null when it was. */
  readonly refused: string | null;
  readonly signature: Signature;
  readonly answer: AnswerState;
}

/** How a request is told to the page and to scripts: everything but the body's bytes. */
export function receivedView(inbox: string, received: Received) {
  const { body, receivedAt, ...rest } = received;
  return {
    ...rest,
    time: new Date(receivedAt).toISOString(),
    keptBytes: body.length,
    preview: preview(body),
    bodyUrl: `/inbox/${inbox}/requests/${received.number}/body`,
  };
}

/** What a request costs in memory: body, path, headers, and a little for the objects around them. */
export function costBytes({ body, path, headers }: Pick<Received, 'body' | 'path' | 'headers'>): number {
  let bytes = 512 + body.length + path.length;
  for (const [name, value] of headers) bytes += name.length + value.length + 64;
  return bytes;
}

/**
 * Headers by name in lower case, repeated ones joined (RFC 9110, section 5.3). It has no prototype:
 * `__proto__` is a legal header name.
 */
export function headersByName(headers: Received['headers']): Record<string, string> {
  const byName: Record<string, string> = Object.create(null);
  for (const [name, value] of headers) {
    const key = name.toLowerCase();
    const before = byName[key];
    byName[key] = before === undefined ? value : `${before}, ${value}`;
  }
  return byName;
}

/** Pairs of what Node gives as one flat array; HTTP/2's pseudo headers are the request line. */
export function headerPairs(raw: readonly string[]): [string, string][] {
  const pairs: [string, string][] = [];
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i]!;
    if (!name.startsWith(':')) pairs.push([name, raw[i + 1]!]);
  }
  return pairs;
}

/** `carillon-attempt`, where it is a count. */
export function attemptOf(header: string | undefined): number | null {
  return header !== undefined && /^[1-9]\d{0,5}$/.test(header) ? Number(header) : null;
}

/** The beginning of a body on one line; null where it is not text. */
function preview(body: Uint8Array): string | null {
  const head = body.subarray(0, PREVIEW_BYTES);
  if (head.some((byte) => byte < 0x20 && (byte < 0x09 || byte > 0x0d))) return null;
  try {
    // `stream` forgives a character that is cut in half at the end.
    const text = new TextDecoder('utf-8', { fatal: true }).decode(head, { stream: true });
    return text.replace(/\s+/g, ' ').trim();
  } catch {
    return null;
  }
}
