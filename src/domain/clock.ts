/**
 * Time is a thing you are given. Only this file reads the machine's clocks; everything else takes a
 * `Clock`, or `now` as a number.
 */
export interface Clock {
  /** Wall-clock time, in milliseconds since the Unix epoch, whole. It can jump. */
  now(): number;
  /** Milliseconds since some moment in the past, with a fraction. It never goes back. */
  monotonic(): number;
  /** The release of the time zone database by which local times are read, such as `2026a`. */
  readonly zoneRules: string;
}

/** The machine's own clocks. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  // A Node that uses the ICU of the system does not know its release: that of ICU changes with it.
  zoneRules: process.versions.tz ?? `ICU ${process.versions.icu ?? 'unknown'}`,
};

/** The present as a clock has it. */
export function presentOf(clock: Pick<Clock, 'now' | 'zoneRules'>): { now: number; zoneRules: string } {
  return { now: clock.now(), zoneRules: clock.zoneRules };
}
