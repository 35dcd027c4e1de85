/**
 * How long a node may act on its shards after it last heard from the store. Others take its shards over once they have
 * watched its beats stand still for a whole lease, so it must have stopped before that, and it judges that alone, by its
 * own clocks.
 */
export const LEASE_MS = 10_000;
/** The time between two beats. */
export const BEAT_MS = 2_000;

/** A moment by both clocks of a node. */
export interface Moment {
  readonly wall: number;
  readonly monotonic: number;
}

/** Beyond this part of a lease nothing new is sent. */
const SEND_PART = 0.6;
/** Beyond this part requests are broken off: who takes over sends them again. */
const ABORT_PART = 0.9;

/**
 * Whether a node may send. `beat` is when its last good beat was sent, and not when that was answered: the others count
 * from a time in between.
 */
export function maySend(beat: Moment | undefined, now: Moment): boolean {
  return beat !== undefined && ageOf(beat, now) < SEND_PART * LEASE_MS;
}

/** Whether a node must break off its requests. */
export function mustAbort(beat: Moment | undefined, now: Moment): boolean {
  return beat === undefined || ageOf(beat, now) >= ABORT_PART * LEASE_MS;
}

/** Milliseconds until a node must break off its requests, if it is not heard of by then. */
export function abortInMs(beat: Moment | undefined, now: Moment): number {
  return beat === undefined ? 0 : Math.max(0, ABORT_PART * LEASE_MS - ageOf(beat, now));
}

/** By the clock that has gone further: the monotonic one stands still while a machine is suspended. */
function ageOf(beat: Moment, now: Moment): number {
  return Math.max(now.wall - beat.wall, now.monotonic - beat.monotonic);
}
