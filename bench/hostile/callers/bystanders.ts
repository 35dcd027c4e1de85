import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { systemClock } from '../../../src/domain/clock.ts';
import { openCaller, type Way } from '../../callers.ts';

/** Those who behave while others attack: one publisher on each port. */
export interface Bystanders {
  /** What they have seen since they were asked last. Waits for what is under way, up to a bound. */
  take(): Promise<Seen>;
  stop(): void;
}

export interface Seen {
  readonly calls: number;
  readonly slowestMs: number;
  /** What went wrong, once for each kind of failure. */
  readonly failures: readonly string[];
}

export interface At {
  readonly native: string;
  readonly origin: string;
}

const WAYS: readonly Way[] = ['json', 'native'];
const EVERY_MS = 20;
/** Every tenth call comes on a connection of its own, as that of somebody new does. */
const NEW_EVERY = 10;
/** A call that takes longer was not served. */
export const CALL_MAX_MS = 10_000;
/** Calls under way at once; no more are begun then, and the slowest tells. */
const UNDER_WAY_MAX = 200;

export function startBystanders(at: At): Bystanders {
  const kept = WAYS.map((way) => ({ way, caller: openCaller(way, at) }));
  const underWay = new Set<Promise<void>>();
  const failures = new Set<string>();
  let calls = 0;
  let slowestMs = 0;
  let turn = 0;

  async function publish(way: Way, isNew: boolean): Promise<void> {
    const caller = isNew ? openCaller(way, at) : kept.find((each) => each.way === way)!.caller;
    const begun = systemClock.monotonic();
    const event = { type: 'bystander', data: { case: 'text' as const, value: 'well' } };
    try {
      const call = () => caller.unary(EventService.method.publish, { event });
      await within(call().catch((error: unknown) => (isKeptTooLong(error) ? call() : Promise.reject(error))));
    } catch (error) {
      const who = isNew ? 'a new caller' : 'a caller';
      failures.add(`${who} (${way}): ${error instanceof Error ? error.message : String(error)}`);
    } finally {
      calls++;
      slowestMs = Math.max(slowestMs, systemClock.monotonic() - begun);
      if (isNew) caller.close();
    }
  }

  const timer = setInterval(() => {
    const isNew = ++turn % NEW_EVERY === 0;
    for (const way of WAYS) {
      if (underWay.size >= UNDER_WAY_MAX) return;
      const call = publish(way, isNew).finally(() => underWay.delete(call));
      underWay.add(call);
    }
  }, EVERY_MS);

  return {
    async take() {
      await Promise.all(underWay);
      const seen = { calls, slowestMs, failures: [...failures] };
      calls = 0;
      slowestMs = 0;
      failures.clear();
      return seen;
    },
    stop() {
      clearInterval(timer);
      for (const { caller } of kept) caller.close();
    },
  };
}

/** A kept connection that the server closes, as idle, in the moment in which it is used: clients call again. */
function isKeptTooLong(error: unknown): boolean {
  return error instanceof Error && /ECONNRESET|EPIPE/.test(error.message);
}

async function within<T>(call: Promise<T>): Promise<T> {
  const { promise, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new Error(`no answer in ${CALL_MAX_MS / 1000} s`)), CALL_MAX_MS);
  try {
    return await Promise.race([call, promise]);
  } finally {
    clearTimeout(timer);
  }
}
