import type { Worker } from 'node:worker_threads';
import { DomainError } from '../../domain/error.ts';
import { type Acting, createActors } from '../calls/acting.ts';
import type { Client } from '../calls/client.ts';
import { type Answer, type Args, READS, type Verb } from '../calls/shapes.ts';
import type { CallSize } from '../rows/bytes.ts';
import type { SqliteSettings } from './options.ts';
import type { Call, Reply, Request, Response } from './protocol.ts';

/** A group that is this heavy takes no more calls, and is sent without lingering. */
const GROUP_ROWS = 2_000;
const GROUP_BYTES = 8 * 1024 * 1024;

/**
 * A write that comes this long after the last one is unlikely to have company. It waits for the rest of the
 * event loop's turn only, and for no timer.
 */
const QUIET_MS = 10;

interface Pending {
  readonly call: Call;
  readonly acting: Acting | undefined;
  readonly size: CallSize;
  readonly resolve: (answer: Answer<Verb>) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Collects calls and sends them to the worker as one message when it is idle. A write waits up to
 * `lingerMs` for company, unless none was sent for a while, and for the rest of the event loop's turn. Calls that arrive while the worker is busy wait
 * for it, and so have company anyway.
 */
export function createClient(worker: Worker, settings: SqliteSettings): Client {
  /** Not sent yet. */
  let queue: Pending[] = [];
  /** Sent, and not answered yet. */
  let sent: Pending[] = [];
  let queuedRows = 0;
  const actors = createActors();
  let heldCalls = 0;
  let heldBytes = 0;
  let writesQueued = false;
  /** Stops the timer of a write that waits for company, if there is one. */
  let lingering: (() => void) | undefined;
  let lingered = false;
  /** Fires when no write was sent for a while. */
  let quieting: NodeJS.Timeout | undefined;
  let quiet = true;
  let ended: Error | undefined;
  let closing: { promise: Promise<void>; idle: () => void } | undefined;

  worker.on('message', (response: Response) => {
    if (response.kind === 'replies') settle(response.replies);
  });
  worker.on('messageerror', (error) => {
    die(error);
    void worker.terminate();
  });
  worker.on('error', (error) => die(error instanceof Error ? error : new Error(String(error))));
  worker.on('exit', (code) => die(new Error(`it ended with code ${code}`)));

  function admit(size: CallSize): Error | undefined {
    if (ended) return unavailable(ended);
    if (closing) return new DomainError('DATABASE_UNAVAILABLE', 'the database is closed');
    // A call larger than the bound by itself is let through alone.
    const full =
      heldCalls >= settings.callsMax || heldBytes + size.bytes > Math.max(settings.callBytesMax, size.bytes);
    return full
      ? new DomainError('DATABASE_BUSY', 'too many calls wait for the database; try again later')
      : undefined;
  }

  function enqueue(pending: Pending, writes: boolean): void {
    queue.push(pending);
    queuedRows += pending.size.rows;
    heldCalls++;
    heldBytes += pending.size.bytes;
    writesQueued ||= writes;
    if (writesQueued && lingering === undefined && !lingered) linger();
    flush();
  }

  function linger(): void {
    if (settings.lingerMs <= 0) {
      lingered = true;
    } else if (quiet) {
      lingerForTurn();
    } else {
      // Timers come first in a turn of the event loop, and then what has come by sockets: it may bring more writes.
      const timer = setTimeout(lingerForTurn, settings.lingerMs);
      lingering = () => clearTimeout(timer);
    }
  }

  function lingerForTurn(): void {
    const immediate = setImmediate(stopLingering);
    lingering = () => clearImmediate(immediate);
  }

  function noteWrite(): void {
    quiet = false;
    quieting ??= setTimeout(() => {
      quiet = true;
    }, QUIET_MS).unref();
    quieting.refresh();
  }

  function stopLingering(): void {
    lingering = undefined;
    lingered = true;
    flush();
  }

  function flush(): void {
    if (sent.length > 0 || queue.length === 0) return;
    if (writesQueued && !lingered && queuedRows < GROUP_ROWS && !closing) return;
    if (writesQueued) noteWrite();
    sent = takeGroup();
    const buffers = sent.flatMap(({ size }) => size.buffer ?? []);
    try {
      worker.postMessage({ calls: sent.map(({ call }) => call) } satisfies Request, buffers);
    } catch (error) {
      // Something in the calls cannot be cloned. Nothing was sent.
      settle(sent.map(() => ({ ok: false, failure: { kind: 'FAULT', message: String(error) } })));
    }
  }

  /** From the head of the queue, as many calls as make one group. */
  function takeGroup(): Pending[] {
    let rows = 0;
    let bytes = 0;
    let count = 0;
    while (count < queue.length && (count === 0 || (rows < GROUP_ROWS && bytes < GROUP_BYTES))) {
      const { size } = queue[count++]!;
      rows += size.rows;
      bytes += size.bytes;
    }
    const group = queue.slice(0, count);
    queue = queue.slice(count);
    queuedRows -= rows;
    if (queue.length === 0) {
      lingering?.();
      lingering = undefined;
      lingered = false;
      writesQueued = false;
    }
    return group;
  }

  function settle(replies: readonly Reply[]): void {
    const answered = sent;
    sent = [];
    heldCalls -= answered.length;
    for (const [i, pending] of answered.entries()) {
      heldBytes -= pending.size.bytes;
      const reply = replies[i];
      if (reply?.ok) {
        pending.acting?.tell(reply.entered ?? []);
        pending.resolve(reply.answer);
      } else pending.reject(asError(reply));
    }
    flush();
    if (heldCalls === 0) closing?.idle();
  }

  function die(error: Error): void {
    if (ended) return;
    ended = error;
    lingering?.();
    const outstanding = [...sent, ...queue];
    sent = [];
    queue = [];
    const expected = closing !== undefined && outstanding.length === 0;
    for (const pending of outstanding) pending.reject(unavailable(error));
    closing?.idle();
    if (!expected) settings.onFatal(unavailable(error));
  }

  async function shutDown(idle: Promise<void>): Promise<void> {
    await idle;
    if (ended) return;
    const exit = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    worker.postMessage('close' satisfies Request);
    await exit;
  }

  return {
    call<V extends Verb, T>(verb: V, args: Args<V>, size: CallSize, decode: (answer: Answer<V>) => T) {
      return new Promise<T>((resolve, reject) => {
        const refused = admit(size);
        if (refused) return reject(refused);
        const acting = actors.of(verb);
        const call: Call = acting === undefined ? [verb, args] : [verb, args, acting.by];
        // The worker answers each verb with its own kind of answer.
        const answered = (answer: Answer<Verb>): void => {
          try {
            resolve(decode(answer as Answer<V>));
          } catch (error) {
            reject(error);
          }
        };
        enqueue({ call, acting, size, resolve: answered, reject }, !READS.has(verb));
      });
    },

    onBehalf: actors.onBehalf,

    close() {
      if (closing) return closing.promise;
      const { promise: idle, resolve } = Promise.withResolvers<void>();
      closing = { promise: shutDown(idle), idle: resolve };
      if (heldCalls === 0 || ended) resolve();
      flush();
      return closing.promise;
    },
  };
}

function unavailable(error: Error): DomainError {
  return new DomainError('DATABASE_UNAVAILABLE', `the database's thread is gone: ${error.message}`);
}

function asError(reply: Reply | undefined): Error {
  if (reply === undefined || reply.ok) return new Error('the database left a call unanswered');
  const { kind, message } = reply.failure;
  return kind === 'UNAVAILABLE'
    ? new DomainError('DATABASE_UNAVAILABLE', `the database cannot do this now: ${message}`)
    : new Error(`the database refused a call: ${message}`);
}
