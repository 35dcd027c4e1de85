import { type Clock, systemClock } from '../../src/domain/clock.ts';

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

/** The machine's clocks, of which the wall clock can be set, and on both of which time can be made to pass. */
export function settableClock(): ManualClock {
  let passed = 0;
  let set = 0;
  return {
    zoneRules: systemClock.zoneRules,
    now: () => systemClock.now() + passed + set,
    monotonic: () => systemClock.monotonic() + passed,
    advance(ms) {
      passed += ms;
    },
    jump(ms) {
      set += ms;
    },
  };
}
