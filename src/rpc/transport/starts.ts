import { setImmediate } from 'node:timers/promises';
import { networkOf } from '../../domain/access/network.ts';
import type { Clock } from '../../domain/clock.ts';

/** A request that has arrived. */
export interface Starting {
  begin(): void;
  /** Whether nobody waits for it any more: it was reset, or its connection is gone. */
  isOver(): boolean;
}

/** A socket, by which requests come, or what stands for one. */
export interface Way {
  readonly remoteAddress?: string | undefined;
}

/**
 * Lets callers take turns at beginning requests: addresses, and of an address its connections. HTTP/2 lets a caller begin
 * a thousand in one packet, and pipelining does in HTTP/1.1; whoever does so waits for its own requests, and does not
 * hold up those of others. What is reset before its turn is never begun (CVE-2023-44487).
 */
export interface Starts {
  /** Begins a request, at once if there is time; else after those that came before it the same way. */
  take(way: Way, request: Starting): void;
}

/** For how long in one round of the event loop requests are begun; a call takes a fraction of a millisecond. */
const TURN_MS = 5;

/** The requests that wait are bounded by the streams that may be open, and for HTTP/1.1 by what Node reads ahead. */
export function createStarts(clock: Pick<Clock, 'monotonic'>): Starts {
  /** By address, and then by connection, in the order in which they have their turns. */
  const queues = new Map<string, Map<Way, Starting[]>>();
  /** When the first request of this round of the event loop began. */
  let begunAt: number | undefined;
  let draining = false;

  function isRoundOver(): boolean {
    const now = clock.monotonic();
    if (begunAt === undefined) {
      begunAt = now;
      void setImmediate().then(() => {
        begunAt = undefined;
      });
    }
    return now - begunAt >= TURN_MS;
  }

  /** Ends when nothing waits any more, and from the same moment the next may begin at once again. */
  async function drain(): Promise<void> {
    draining = true;
    try {
      while (queues.size > 0) {
        await setImmediate();
        await oneTurn();
      }
    } finally {
      draining = false;
    }
  }

  async function oneTurn(): Promise<void> {
    const turnAt = clock.monotonic();
    // What is put back comes last, and this goes on with it.
    for (const [network, ways] of queues) {
      const [way, waiting] = ways.entries().next().value!;
      const next = waiting.shift()!;
      putLast(ways, way, waiting, waiting.length);
      putLast(queues, network, ways, ways.size);
      if (next.isOver()) continue;
      next.begin();
      // What it does at once is a part of its turn, and goes on in promises.
      await afterPromises();
      if (clock.monotonic() - turnAt >= TURN_MS) return;
    }
  }

  return {
    take(way, request) {
      if (!draining && !isRoundOver()) return request.begin();
      const network = networkOf(way.remoteAddress ?? '');
      const ways = queues.get(network) ?? new Map<Way, Starting[]>();
      const waiting = ways.get(way) ?? [];
      waiting.push(request);
      queues.set(network, ways.set(way, waiting));
      if (!draining) void drain();
    },
  };
}

/** Makes an entry the last, or takes it out when nothing is left of it. */
function putLast<Key, Value>(map: Map<Key, Value>, key: Key, value: Value, left: number): void {
  map.delete(key);
  if (left > 0) map.set(key, value);
}

/** Resolves when no promise that could go on has not. */
function afterPromises(): Promise<void> {
  return new Promise((resolve) => process.nextTick(resolve));
}
