/**
 * Time is a thing you are given. Only this file reads the machine's clocks; everything else takes a
 * `Clock`, or `now` as a number.
 */
export interface Clock {
  /** Wall-clock time, in milliseconds since the Unix epoch, whole. It can jump. */
  now(): number;
  /** Milliseconds since some moment in the past, with a fraction. It never goes back. */
  monotonic(): number;
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
};
