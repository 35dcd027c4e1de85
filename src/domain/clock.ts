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

/** A wall clock that keeps its course when the machine's is set, until it is told to follow. */
export interface SteadyClock extends Clock {
  /**
   * Follows the machine's clock from now on. Returns by how much that had been put forward; negative when it was put
   * back, and 0 when it was not set.
   */
  follow(): number;
  /** What `follow` would return. */
  step(): number;
}

/** A difference between wall and monotonic time that somebody has made. Smaller ones are followed as they come. */
export const CLOCK_STEP_MS = 1_000;

export function steadyClock(clock: Clock): SteadyClock {
  let offset = clock.now() - clock.monotonic();

  function difference(): number {
    const found = clock.now() - clock.monotonic() - offset;
    if (Math.abs(found) >= CLOCK_STEP_MS) return Math.round(found);
    offset += found;
    return 0;
  }

  return {
    ...clock,
    now() {
      difference();
      return Math.round(clock.monotonic() + offset);
    },
    step: difference,
    follow() {
      const step = difference();
      offset = clock.now() - clock.monotonic();
      return step;
    },
  };
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
