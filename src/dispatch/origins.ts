/**
 * What each origin (scheme, host, port) has in flight, across webhooks: many registrations of one
 * destination must not add up to more than its server or our sockets can bear.
 *
 * The last eighth of an origin is for lanes that have nothing in flight, a request each. So however many
 * webhooks hang at one path of it, those at another path find room.
 */
export interface Origins<L> {
  /** Requests that the lane may still send to the origin. */
  room(origin: string, lane: L): number;
  start(origin: string): void;
  /**
   * Ends a request. Returns the lanes that may go instead: of those that may use the place, the one that
   * waited longest; or all when none is in flight.
   */
  finish(origin: string): Iterable<L>;
  /** Takes the lane that has waited longest of those for which there is room, if there is any. */
  takeWaiting(origin: string): L | undefined;
  /** Notes that a lane waits for the origin to have room. */
  wait(origin: string, lane: L): void;
}

interface Origin<L> {
  inFlight: number;
  readonly waiting: Set<L>;
}

/** `isIdle` says whether a lane has nothing in flight. */
export function createOrigins<L>(inFlightMax: number, isIdle: (lane: L) => boolean): Origins<L> {
  const busy = new Map<string, Origin<L>>();
  const reserve = Math.floor(inFlightMax / 8);

  /** If all were woken for one place, all but one would look in vain. */
  function first({ inFlight, waiting }: Origin<L>): L | undefined {
    const free = inFlightMax - inFlight;
    if (free <= 0) return undefined;
    // Those that are passed over have something in flight, so there are no more than that.
    for (const lane of waiting) {
      if (free <= reserve && !isIdle(lane)) continue;
      waiting.delete(lane);
      return lane;
    }
    return undefined;
  }

  return {
    room(origin, lane) {
      const free = inFlightMax - (busy.get(origin)?.inFlight ?? 0);
      return Math.max(free - reserve, free > 0 && isIdle(lane) ? 1 : 0);
    },
    start(origin) {
      const entry = busy.get(origin);
      if (entry === undefined) busy.set(origin, { inFlight: 1, waiting: new Set() });
      else entry.inFlight++;
    },
    finish(origin) {
      const entry = busy.get(origin);
      if (entry === undefined) return [];
      if (--entry.inFlight > 0) {
        const lane = first(entry);
        return lane === undefined ? [] : [lane];
      }
      // No request is left whose end could wake those that still wait, so all are woken now.
      busy.delete(origin);
      return entry.waiting;
    },
    takeWaiting(origin) {
      const entry = busy.get(origin);
      return entry && first(entry);
    },
    wait(origin, lane) {
      busy.get(origin)?.waiting.add(lane);
    },
  };
}
