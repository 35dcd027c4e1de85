import { type Outcome, RESPONSE_KEPT_BYTES } from '../domain/delivery/attempt.ts';
import { type AnswerHead, bodyLength, readHead } from './answer-head.ts';
import { SendFailure, sendFailure } from './failure.ts';
import { RESPONSE_HEAD_BYTES } from './incoming.ts';

const NOTHING = new Uint8Array(0);
const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});

/** The part of an outcome that concerns the answer. */
export type Answered = Pick<
  Extract<Outcome, { kind: 'answered' }>,
  'kind' | 'status' | 'headers' | 'body' | 'truncated' | 'bodyFault'
>;

/** What is known of an answer so far, and what is kept of it. A class, because there is one for each POST. */
export class Answer {
  /** 0 until the head is complete. */
  status = 0;
  /** How much of the body has come. */
  bytes = 0;
  #headers: Readonly<Record<string, string>> = NO_HEADERS;
  #headersCut = false;
  #parts: Uint8Array[] | undefined;
  #keptBytes = 0;

  /** Notes the head of the answer that counts. */
  head(status: number, fields: NodeJS.Dict<string | string[]>): void {
    this.status = status;
    const { headers, cut } = keepHeaders(fields);
    this.#headers = headers;
    this.#headersCut = cut;
  }

  /** Keeps what fits of a part of the body. */
  data(chunk: Uint8Array): void {
    this.bytes += chunk.length;
    const room = RESPONSE_KEPT_BYTES - this.#keptBytes;
    if (room <= 0) return;
    // Copied, because the chunk is a view of the socket's much bigger buffer.
    const part = new Uint8Array(chunk.length > room ? chunk.subarray(0, room) : chunk);
    this.#keptBytes += part.length;
    if (this.#parts === undefined) this.#parts = [part];
    else this.#parts.push(part);
  }

  /** The answer as it is. `fault` is what kept its body from being read to the end. */
  kept(fault?: SendFailure): Answered {
    const body = this.#parts === undefined ? NOTHING : joined(this.#parts, this.#keptBytes);
    const truncated = this.#headersCut || this.bytes > this.#keptBytes || fault !== undefined;
    const { status } = this;
    const headers = this.#headers;
    if (fault === undefined) return { kind: 'answered', status, headers, body, truncated };
    const { errorClass, message } = fault;
    return { kind: 'answered', status, headers, body, truncated, bodyFault: { errorClass, message } };
  }

  /**
   * What an answer is worth that undici gave up on: its head decides if it can be read, by undici or by us
   * from its beginning. Otherwise the true reason why it is none.
   */
  rescued(error: unknown, peer: string, beginning: Buffer | undefined): Answered | SendFailure {
    const failure = sendFailure(error, peer, this.status > 0);
    // Undici adds up the digits of Content-Length, spaces and repetitions with them, and finds that it is wrong.
    if (this.status > 0) {
      return this.kept(bodyLength(this.#headers['content-length']) === this.bytes ? undefined : failure);
    }
    const read = beginning && readHead(beginning);
    if (read === undefined) return failure;
    if ('fault' in read) return new SendFailure('PROTOCOL', `the answer from ${peer} ${read.fault}`);
    if (read.status < 200) {
      return new SendFailure(
        'PROTOCOL',
        `${peer} sent an interim answer that was not asked for (${read.status})`,
      );
    }
    return read.end > RESPONSE_HEAD_BYTES ? failure : this.#keptOf(read, beginning!, failure);
  }

  /** The same from a head that only we have read. Its body is what came with it, unless that is chunked. */
  #keptOf(read: ReadHead, beginning: Buffer, fault: SendFailure): Answered {
    this.head(read.status, read.headers);
    const came = beginning.subarray(read.end, read.end + (read.bodyLength ?? beginning.length));
    if (!read.chunked) this.data(came);
    return this.kept(read.bodyLength === came.length ? undefined : fault);
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type ReadHead = Exclude<AnswerHead, { fault: string }>;

/** One that the verdict depends on, so it is kept however many come before it. */
const KEPT_ALWAYS = 'retry-after';
const KEPT_ALWAYS_BYTES = 1024;

/** Headers as an attempt keeps them; those beyond `RESPONSE_KEPT_BYTES` are left out. */
function keepHeaders(fields: NodeJS.Dict<string | string[]>): {
  headers: Record<string, string>;
  cut: boolean;
} {
  const headers: Record<string, string> = {};
  let room = RESPONSE_KEPT_BYTES;
  for (const name in fields) {
    const field = fields[name];
    if (field === undefined) continue;
    const value = typeof field === 'string' ? field : field.join(', ');
    room -= name.length + value.length;
    if (room < 0) return { headers: withRetryAfter(headers, fields[KEPT_ALWAYS]), cut: true };
    // An assignment would set the prototype, and the header would be lost.
    if (name === '__proto__') Object.defineProperty(headers, name, { value, enumerable: true });
    else headers[name] = value;
  }
  return { headers, cut: false };
}

function withRetryAfter(
  headers: Record<string, string>,
  field: string | string[] | undefined,
): Record<string, string> {
  if (field === undefined || headers[KEPT_ALWAYS] !== undefined) return headers;
  return { ...headers, [KEPT_ALWAYS]: String(field).slice(0, KEPT_ALWAYS_BYTES) };
}

function joined(parts: readonly Uint8Array[], bytes: number): Uint8Array {
  if (parts.length === 1) return parts[0]!;
  const whole = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}
