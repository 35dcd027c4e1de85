/**
 * What each origin (scheme, host, port) has in flight, across webhooks: many registrations of one
 * destination must not add up to more than its server or our sockets can bear.
 */
export interface Origins<L> {
  /** Requests that may still be sent to the origin. */
  free(origin: string): number;
  start(origin: string): void;
  /** Ends a request. Returns the lanes that may go instead: the one that waited longest, or all when none is in flight. */
  finish(origin: string): Iterable<L>;
  /** Takes the lane that has waited longest, if the last lane that was looked at left room at the origin. */
  takeWaiting(origin: string): L | undefined;
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
      if (--entry.inFlight > 0) return first(entry.waiting);
      // No request is left whose end could wake those that still wait, so all are woken now.
      busy.delete(origin);
      return entry.waiting;
    },
    takeWaiting(origin) {
      const entry = busy.get(origin);
      return entry === undefined || entry.inFlight >= inFlightMax ? undefined : first(entry.waiting)[0];
    },
    wait(origin, lane) {
      busy.get(origin)?.waiting.add(lane);
    },
  };
}

/** Takes the one that was added first. If all were woken for one place, all but one would look in vain. */
function first<L>(waiting: Set<L>): L[] {
  for (const lane of waiting) {
    waiting.delete(lane);
    return [lane];
  }
  return [];
}
