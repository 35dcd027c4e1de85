import type { Clock } from '../../src/domain/clock.ts';

/** A clock that stands still until it is told. */
export interface ManualClock extends Clock {
  /** Time passes. */
  advance(ms: number): void;
  /** Somebody sets the wall clock; monotonic time does not notice. */
  jump(ms: number): void;
}

export function manualClock(start: number, zoneRules = 'test'): ManualClock {
  let wall = start;
  let steady = 0;
  return {
    now: () => wall,
    monotonic: () => steady,
    zoneRules,
    advance(ms) {
      wall += ms;
      steady += ms;
    },
    jump(ms) {
      wall += ms;
    },
  };
}
