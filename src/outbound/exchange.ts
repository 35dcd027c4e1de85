import type { Dispatcher } from 'undici';
import type { Clock } from '../domain/clock.ts';
import { type Outcome, RESPONSE_KEPT_BYTES, type Timing } from '../domain/delivery/attempt.ts';
import { SendFailure, sendFailure } from './failure.ts';
import { type LineOptions, type Opening, tenths } from './line.ts';
import type { HeldPool } from './pools.ts';
import type { OutgoingRequest } from './request.ts';

/** A destination in its parts. */
export interface Target {
  readonly origin: string;
  /** The path with its query. */
  readonly path: string;
  /** The host and port as a person would write them. */
  readonly peer: string;
}

export interface Exchange {
  readonly clock: Clock;
  /** Given back when undici is done with the request, which can be after the outcome is known. */
  readonly held: HeldPool;
  readonly target: Target;
  readonly request: OutgoingRequest;
  /** Whether the connection is closed after the answer. */
  readonly last: boolean;
}

/** How much of an answer's body is read, so that its connection can be used again; a longer one is cut off. */
const RESPONSE_READ_BYTES = 1024 * 1024;

const NOTHING = new Uint8Array(0);

/** Makes one POST. Resolves with its outcome by the request's deadline, and never rejects. */
export function post(exchange: Exchange): Promise<Outcome> {
  const { clock, held, target, request, last } = exchange;
  return new Promise((resolve) => {
    const startedAt = clock.now();
    const begun = clock.monotonic();
    let controller: Dispatcher.DispatchController | undefined;
    /** The connection, once it is there; `opened` if it was opened for this request. */
    let opening: Opening | undefined;
    let opened = false;
    let connectedAt = 0;
    let headAt = 0;
    let settled = false;
    let status = 0;
    let headers: Readonly<Record<string, string>> = {};
    let headersCut = false;
    let kept: Uint8Array[] | undefined;
    let keptBytes = 0;
    let readBytes = 0;

    const options: LineOptions = {
      path: target.path,
      method: 'POST',
      headers: request.headers,
      body: request.body,
      reset: last,
    };
    // Undici's own timeouts are per phase and start once there is a connection. This one starts with the call
    // and includes the lookup, the connecting and any waiting for a free connection.
    const deadline = setTimeout(() => {
      settleFailed(late(target.peer, request.timeoutMs, controller !== undefined, status));
      // If it still waits for a connection, undici keeps it; at least its bytes need not be kept with it.
      if (controller === undefined) options.body = NOTHING;
      else controller.abort(GIVEN_UP);
    }, request.timeoutMs);

    function settle(): boolean {
      if (settled) return false;
      settled = true;
      clearTimeout(deadline);
      return true;
    }

    function tried(): Pick<Outcome, 'startedAt' | 'durationMs' | 'timing' | 'remoteAddress'> {
      const now = clock.monotonic();
      // Without a connection, it waited for the one that is being opened for it, if there is one.
      const line = options.line;
      if (controller === undefined && line?.fresh) opening = line.opening;
      const timing: Mutable<Timing> = controller === undefined || opened ? { ...opening?.timing() } : {};
      if (controller !== undefined) timing.waitMs = tenths((headAt || now) - connectedAt);
      if (headAt > 0) timing.readMs = tenths(now - headAt);
      const remoteAddress = opening?.remoteAddress;
      const durationMs = Math.round(now - begun);
      return { startedAt, durationMs, timing, ...(remoteAddress !== undefined && { remoteAddress }) };
    }

    function settleAnswered(): void {
      if (!settle()) return;
      const body = kept === undefined ? NOTHING : joined(kept, keptBytes);
      const truncated = headersCut || readBytes > keptBytes;
      resolve({ kind: 'answered', status, headers, body, truncated, ...tried() });
    }

    function settleFailed({ errorClass, message }: SendFailure): void {
      if (settle()) resolve({ kind: 'failed', errorClass, message, ...tried() });
    }

    held.pool.dispatch(options, {
      onRequestStart(started) {
        const line = options.line;
        const fresh = line?.fresh ?? false;
        if (line !== undefined) line.fresh = false;
        // When this is thrown, undici drops the request and keeps the connection, which has not been used.
        // `abort` would close it.
        if (settled) throw GIVEN_UP;
        controller = started;
        opening = line?.opening;
        opened = fresh;
        connectedAt = clock.monotonic();
      },
      onResponseStart(_controller, code, fields) {
        // Interim answers (103 Early Hints) come this way too, before the one that counts.
        if (code < 200) return;
        headAt = clock.monotonic();
        status = code;
        const result = keepHeaders(fields);
        headers = result.headers;
        headersCut = result.cut;
      },
      onResponseData(running, chunk) {
        readBytes += chunk.length;
        const room = RESPONSE_KEPT_BYTES - keptBytes;
        if (room > 0) {
          // Copied, because the chunk is a view of the socket's much bigger buffer.
          const part = new Uint8Array(chunk.length > room ? chunk.subarray(0, room) : chunk);
          keptBytes += part.length;
          if (kept === undefined) kept = [part];
          else kept.push(part);
        }
        if (readBytes <= RESPONSE_READ_BYTES) return;
        settleAnswered();
        running.abort(GIVEN_UP);
      },
      onResponseEnd() {
        settleAnswered();
        held.release();
      },
      onResponseError(_controller, error) {
        if (!settled) settleFailed(sendFailure(error, target.peer));
        held.release();
      },
    });
  });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One error for all requests: making one costs more than a POST, and nobody sees it. */
const GIVEN_UP = new Error('given up');

function late(peer: string, timeoutMs: number, connected: boolean, status: number): SendFailure {
  const within = `within ${timeoutMs} ms`;
  if (!connected) return new SendFailure('TIMEOUT', `no connection to ${peer} ${within}`);
  if (status === 0) return new SendFailure('TIMEOUT', `no answer from ${peer} ${within}`);
  return new SendFailure('TIMEOUT', `${peer} answered ${status}, but not to the end ${within}`);
}

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
