import { DomainError } from '../../domain/error.ts';
import { type Acting, createActors } from '../calls/acting.ts';
import type { Client } from '../calls/client.ts';
import type { Answer, Args, Verb } from '../calls/shapes.ts';
import type { CallSize } from '../rows/bytes.ts';
import { messageOf } from './connection/driver.ts';
import type { Link } from './connection/link.ts';
import { type Group, Lost } from './group.ts';
import type { Apart, Call, Reply } from './protocol.ts';

export interface ClientBounds {
  /** Calls that may be unanswered at a time; beyond, they are refused with EXHAUSTED. */
  readonly callsMax: number;
  /** Bytes of payload that may be unanswered at a time; beyond, calls are refused. */
  readonly callBytesMax: number;
  /** How long calls wait for a database that was lost, before they are refused with UNAVAILABLE. */
  readonly patienceMs: number;
}

/** A group that is this heavy takes no more calls. */
const GROUP_ROWS = 2_000;
const GROUP_BYTES = 8 * 1024 * 1024;

interface Pending {
  readonly call: Call;
  readonly acting: Acting | undefined;
  readonly size: CallSize;
  readonly resolve: (answer: Answer<Verb>) => void;
  readonly reject: (error: Error) => void;
  /** Its caller was told that the database is not there. */
  isOver: boolean;
}

export interface ClientDeps {
  readonly link: Link;
  readonly group: Group;
  readonly bounds: ClientBounds;
  readonly apart: { readonly [V in Apart]: (args: Args<V>) => Promise<Answer<V>> };
}

/**
 * Collects calls while others are under way, and runs them together: they share a transaction. When the connection is
 * lost, they are run again on the next, unless it turns out that they were committed.
 */
export function createClient({ link, group, bounds, apart }: ClientDeps): Client {
  const actors = createActors();
  let queue: Pending[] = [];
  let heldCalls = 0;
  let heldBytes = 0;
  let running = false;
  /** Those of the group that is under way. */
  let taken: Pending[] = [];
  let patience: NodeJS.Timeout | undefined;
  /** The database has been away for so long that callers are told so. */
  let away = false;
  let closing: { promise: Promise<void>; idle: () => void } | undefined;

  link.onChange((isUp) => {
    clearTimeout(patience);
    away = false;
    if (!isUp) patience = setTimeout(giveUp, bounds.patienceMs).unref();
  });

  function giveUp(): void {
    away = true;
    for (const pending of [...taken, ...queue]) refuse(pending);
    queue = [];
  }

  function refuse(pending: Pending): void {
    if (pending.isOver) return;
    pending.isOver = true;
    release(pending);
    pending.reject(unavailable(link.trouble()));
  }

  function release({ size }: Pending): void {
    heldCalls--;
    heldBytes -= size.bytes;
    if (heldCalls === 0) closing?.idle();
  }

  function admit(size: CallSize): Error | undefined {
    if (closing) return new DomainError('DATABASE_UNAVAILABLE', 'the database is closed');
    if (away) return unavailable(link.trouble());
    // A call larger than the bound by itself is let through alone.
    const isFull =
      heldCalls >= bounds.callsMax || heldBytes + size.bytes > Math.max(bounds.callBytesMax, size.bytes);
    return isFull
      ? new DomainError('DATABASE_BUSY', 'too many calls wait for the database; try again later')
      : undefined;
  }

  function enqueue(pending: Pending): void {
    queue.push(pending);
    heldCalls++;
    heldBytes += pending.size.bytes;
    if (running) return;
    running = true;
    // What comes in during the same turn of the event loop goes along.
    setImmediate(() => void work());
  }

  async function work(): Promise<void> {
    while (queue.length > 0) {
      taken = takeGroup();
      await serve();
    }
    taken = [];
    running = false;
  }

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
    return group;
  }

  /** Runs the group, as often as the connection is lost over it. */
  async function serve(): Promise<void> {
    while (taken.length > 0) {
      if (!(await link.ready())) return giveUp();
      taken = taken.filter(({ isOver }) => !isOver);
      const calls = taken;
      try {
        settle(calls, await group.run(calls.map(({ call }) => call)));
        taken = [];
      } catch (error) {
        if (!(error instanceof Lost)) {
          for (const pending of calls)
            settleOne(pending, { ok: false, kind: 'FAULT', message: messageOf(error) });
          taken = [];
        } else {
          await resume(calls, error);
        }
      }
    }
  }

  /** Answers what was committed, and leaves the rest to be run again. */
  async function resume(calls: readonly Pending[], { done, doubtful }: Lost): Promise<void> {
    settle(calls, done);
    taken = calls.slice(done.length);
    if (doubtful === undefined) return;
    while (await link.ready()) {
      try {
        if (!(await group.wasCommitted(doubtful.number))) return;
        // Also those of callers who were told that it is not known: others have to hear of what was written.
        settle(taken, doubtful.replies);
        taken = calls.slice(done.length + doubtful.replies.length);
        return;
      } catch {
        // A database that cannot say so, on a full disk for one, is as good as away: its callers wait no longer.
        if (link.isUp()) link.session().abandon();
      }
    }
    giveUp();
  }

  function settle(calls: readonly Pending[], replies: readonly Reply[]): void {
    for (const [i, reply] of replies.entries()) settleOne(calls[i]!, reply);
  }

  function settleOne(pending: Pending, reply: Reply): void {
    if (!pending.isOver) release(pending);
    pending.isOver = true;
    if (reply.ok) {
      pending.acting?.tell(reply.entered ?? []);
      pending.resolve(reply.answer);
    } else pending.reject(asError(reply));
  }

  async function callApart<V extends Apart>(verb: V, args: Args<V>): Promise<Answer<V>> {
    const refused = verb === 'checkUp' ? undefined : admit({ rows: 0, bytes: 0 });
    if (refused) throw refused;
    try {
      return await apart[verb](args);
    } catch (error) {
      throw unavailable(error);
    }
  }

  async function shutDown(idle: Promise<void>): Promise<void> {
    await idle;
    clearTimeout(patience);
    await link.close();
  }

  return {
    call<V extends Verb, T>(verb: V, args: Args<V>, size: CallSize, decode: (answer: Answer<V>) => T) {
      // Each verb is answered with its own kind of answer.
      const decoded = (answer: Answer<Verb>): T => decode(answer as Answer<V>);
      const called: Verb = verb;
      // What it is called with is its own.
      if (isApart(called)) return callApart(called, args as Args<Apart>).then(decoded);
      return new Promise<T>((resolve, reject) => {
        const refused = admit(size);
        if (refused) return reject(refused);
        const answered = (answer: Answer<Verb>): void => {
          try {
            resolve(decoded(answer));
          } catch (error) {
            reject(error);
          }
        };
        const acting = actors.of(verb);
        const call = (acting === undefined ? [verb, args] : [verb, args, acting.by]) as Call;
        enqueue({ call, acting, size, resolve: answered, reject, isOver: false });
      });
    },

    onBehalf: actors.onBehalf,

    close() {
      if (closing) return closing.promise;
      const { promise: idle, resolve } = Promise.withResolvers<void>();
      closing = { promise: shutDown(idle), idle: resolve };
      if (heldCalls === 0) resolve();
      return closing.promise;
    },
  };
}

function isApart(verb: Verb): verb is Apart {
  return verb === 'emptyLog' || verb === 'rewrite' || verb === 'checkUp' || verb === 'tidy';
}

function unavailable(why: unknown): DomainError {
  return new DomainError('DATABASE_UNAVAILABLE', `the database cannot be reached: ${messageOf(why)}`);
}

function asError({ kind, message }: Extract<Reply, { ok: false }>): Error {
  return kind === 'UNAVAILABLE'
    ? new DomainError('DATABASE_UNAVAILABLE', `the database cannot do this now: ${message}`)
    : new Error(`the database refused a call: ${message}`);
}
