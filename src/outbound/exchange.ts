import type { Dispatcher } from 'undici';
import type { Clock } from '../domain/clock.ts';
import { type Outcome, RESPONSE_KEPT_BYTES, type Timing } from '../domain/delivery/attempt.ts';
import { Answer, type Answered } from './answer.ts';
import { startDeadline } from './deadline.ts';
import { type Decoded, decodeBody } from './decode.ts';
import { asleep, heldUp, noConnection, OUT_OF_TOUCH, SendFailure, type Stage } from './failure.ts';
import { type Incoming, RESPONSE_READ_BYTES } from './incoming.ts';
import { type LineOptions, type Opening, tenths } from './line.ts';
import type { HeldPool, PoolOf } from './pools.ts';
import type { OutgoingRequest } from './request.ts';

/** A destination in its parts. */
export interface Target extends PoolOf {
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
  /** What ends each request that is in flight. */
  readonly underWay: Set<() => void>;
}

const NOTHING = new Uint8Array(0);

/** A sleep of the machine that spoils an attempt. */
const ASLEEP_MS = 1_000;

/** Makes one POST. Resolves with its outcome by the request's deadline, and never rejects. */
export function post(exchange: Exchange): Promise<Outcome> {
  const { clock, held, target, request, last, underWay } = exchange;
  return new Promise((resolve) => {
    const startedAt = clock.now();
    const begun = clock.monotonic();
    let controller: Dispatcher.DispatchController | undefined;
    /** The connection, once it is there; `opened` if it was opened for this request. */
    let opening: Opening | undefined;
    let opened = false;
    let incoming: Incoming | undefined;
    let connectedAt = 0;
    let headAt = 0;
    let settled = false;
    const answer = new Answer();

    const options: LineOptions = {
      path: target.path,
      method: request.method ?? 'POST',
      headers: request.headers,
      // Without one, and not with one of no length, which needs a media type (RFC 9110, 9.3.7).
      body: request.method === undefined ? request.body : null,
      reset: last,
    };
    // Undici's own timeouts are per phase and start once there is a connection. This one starts with the call
    // and includes the lookup, the connecting and any waiting for a free connection.
    const callOff = startDeadline(clock, request.timeoutMs, (heldUpMs) => {
      const line = options.line;
      const stage = controller === undefined && line?.fresh ? line.opening : undefined;
      const failure = late(exchange, { connected: controller !== undefined, stage }, answer.status, heldUpMs);
      end(failure);
    });
    const giveUp = (): void => end(new SendFailure('LOCAL', OUT_OF_TOUCH));
    underWay.add(giveUp);

    /** What has begun to be answered counts as it was answered. */
    function end(failure: SendFailure): void {
      settle(answer.status > 0 ? answer.kept(failure) : failure);
      // If it still waits for a connection, undici keeps it; at least its bytes need not be kept with it.
      if (controller === undefined) options.body = NOTHING;
      else controller.abort(GIVEN_UP);
    }

    function settle(result: Answered | SendFailure): void {
      if (settled) return;
      settled = true;
      callOff();
      underWay.delete(giveUp);
      if (result instanceof SendFailure) {
        const made = tried();
        // The wall clock goes on while the machine sleeps, and the monotonic clock does not.
        const asleepMs = Math.round(clock.now() - startedAt - (clock.monotonic() - begun));
        const { errorClass, message } = asleepMs >= ASLEEP_MS ? asleep(result, asleepMs) : result;
        resolve({ kind: 'failed', errorClass, message, ...made });
        return;
      }
      const outcome = { ...result, ...tried() };
      const decoded = decodeBody(result.body, result.headers['content-encoding'], RESPONSE_KEPT_BYTES);
      if (decoded === undefined) resolve(outcome);
      else void decoded.then((plain) => resolve(withBody(outcome, plain)));
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

    held.pool.dispatch(options, {
      onRequestStart(started) {
        const line = options.line;
        const fresh = line?.fresh ?? false;
        if (line !== undefined) line.fresh = false;
        // When this is thrown, undici drops the request and keeps the connection, which has not been used.
        // `abort` would close it.
        if (settled) throw GIVEN_UP;
        controller = started;
        incoming = line?.incoming;
        incoming?.expect();
        opening = line?.opening;
        opened = fresh;
        connectedAt = clock.monotonic();
      },
      onResponseStart(_controller, code, fields) {
        // What we let through of interim answers counts for nothing.
        if (code < 200) return;
        headAt = clock.monotonic();
        answer.head(code, fields);
        incoming?.forget();
      },
      onResponseData(running, chunk) {
        answer.data(chunk);
        if (answer.bytes <= RESPONSE_READ_BYTES) return;
        settle(answer.kept());
        running.abort(GIVEN_UP);
      },
      onResponseEnd() {
        settle(answer.kept());
        held.release();
      },
      onResponseError(_controller, error) {
        const reason = incoming?.alert ?? error;
        if (!settled) settle(answer.rescued(reason, target.peer, incoming?.beginning));
        incoming?.forget();
        held.release();
      },
    });
  });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** One error for all requests: making one costs more than a POST, and nobody sees it. */
const GIVEN_UP = new Error('given up');

function withBody(outcome: Answered & Outcome, decoded: Decoded | undefined): Outcome {
  if (decoded === undefined) return outcome;
  return { ...outcome, body: decoded.body, truncated: outcome.truncated || decoded.truncated };
}

function late(
  { target: { peer }, request: { timeoutMs } }: Exchange,
  { connected, stage }: { connected: boolean; stage: Stage | undefined },
  status: number,
  heldUpMs: number,
): SendFailure {
  const within = `within ${timeoutMs} ms`;
  if (status > 0)
    return new SendFailure('TIMEOUT', `${peer} answered ${status}, but not to the end ${within}`);
  if (!connected) return noConnection(peer, within, heldUpMs, stage);
  const message = `no answer from ${peer} ${within}`;
  return heldUpMs > 0 ? heldUp(message, heldUpMs) : new SendFailure('TIMEOUT', message);
}
