/**
 * The order of an ordered lane: deliveries go by the time at which they first became due, and by arrival where
 * that is the same. A retry moves when a delivery is due next, and not its place. So what is delayed takes its
 * place when it is due, and only the retry of what was due already holds back what comes after it.
 */
export interface Place {
  readonly firstDueAt: number;
  readonly ord: number;
}

/** Before all others, and after them. */
export const FIRST_PLACE: Place = { firstDueAt: Number.NEGATIVE_INFINITY, ord: 0 };
export const LAST_PLACE: Place = { firstDueAt: Number.POSITIVE_INFINITY, ord: 0 };

/** Whether `a` goes before `b`. */
export function precedes(a: Place, b: Place): boolean {
  return a.firstDueAt === b.firstDueAt ? a.ord < b.ord : a.firstDueAt < b.firstDueAt;
}

/** How far the clock can be put back without what comes in then going before what came in earlier. */
export const PUT_BACK_MAX_MS = 60_000;

/**
 * Gives places to what comes in, as far as the time decides them: of what is due at once, none is before what
 * came in earlier, although clocks are corrected by some milliseconds all the time. After a larger step the
 * time that was is taken for wrong.
 */
export function createArrivals(): (dueAt: number, now: number) => number {
  let latest = Number.NEGATIVE_INFINITY;
  return (dueAt, now) => {
    if (dueAt > now) return dueAt;
    latest = latest - dueAt > PUT_BACK_MAX_MS ? dueAt : Math.max(latest, dueAt);
    return latest;
  };
}
