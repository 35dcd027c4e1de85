/**
 * What each origin (scheme, host, port) has in flight, across webhooks: many registrations of one
 * destination must not add up to more than its server or our sockets can bear.
 */
export interface Origins<L> {
  /** Requests that may still be sent to the origin. */
  free(origin: string): number;
  start(origin: string): void;
  /** Ends one and returns the lanes that waited for it. */
  finish(origin: string): Iterable<L>;
  /** Notes that a lane waits for the origin to have room. */
  wait(origin: string, lane: L): void;
}

export function createOrigins<L>(inFlightMax: number): Origins<L> {
  const busy = new Map<string, { inFlight: number; waiting: Set<L> }>();
  return {
    free: (origin) => inFlightMax - (busy.get(origin)?.inFlight ?? 0),
    start(origin) {
      const entry = busy.get(origin);
      if (entry === undefined) busy.set(origin, { inFlight: 1, waiting: new Set() });
      else entry.inFlight++;
    },
    finish(origin) {
      const entry = busy.get(origin);
      if (entry === undefined) return [];
      const { waiting } = entry;
      if (waiting.size > 0) entry.waiting = new Set();
      if (--entry.inFlight === 0) busy.delete(origin);
      return waiting;
    },
    wait(origin, lane) {
      busy.get(origin)?.waiting.add(lane);
    },
  };
}
