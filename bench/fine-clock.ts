import { systemClock } from '../src/domain/clock.ts';

/** Wall-clock time, finer than the whole milliseconds of the wall clock, to be compared between processes. */
export interface FineClock {
  now(): number;
  /** Follows the wall clock again, which may be adjusted; takes a millisecond at most. */
  calibrate(): void;
}

/** The request header in which an event says when it was sent, by a fine clock. */
export const SENT_AT = 'bench-sent-at';

export function createFineClock(): FineClock {
  let offset = calibrated();
  return {
    now: () => offset + systemClock.monotonic(),
    calibrate() {
      offset = calibrated();
    },
  };
}

/** Wall-clock time minus monotonic time, taken when the wall clock moves on. */
function calibrated(): number {
  const from = systemClock.now();
  while (systemClock.now() === from);
  return systemClock.now() - systemClock.monotonic();
}
