import {
  finished,
  HEALTHY,
  type LaneRules,
  type LaneState,
  newLane,
  started,
} from '../../src/domain/delivery/lane.ts';
import type { Verdict } from '../../src/domain/delivery/settle.ts';

/** Lanes in any state, for tests of the rules by which they move. */

export const T = 1_000_000;
export const RULES: LaneRules = { open: true, concurrency: 8 };
/** Changes no wait. */
export const HALF = 0.5;

export const SUCCESS: Verdict = {
  transition: { to: 'SUCCEEDED' },
  success: true,
  unavailable: false,
  gone: false,
  ours: false,
  retryAfterMs: 0,
};
export const DOWN: Verdict = {
  ...SUCCESS,
  transition: { to: 'PENDING', dueAt: T },
  success: false,
  unavailable: true,
};

/** The lane after an attempt of that verdict. */
export function attempt(lane: LaneState, verdict: Verdict, now: number): LaneState {
  return finished(started(lane, RULES, now), verdict, now, HALF);
}

/** A lane that found its destination down so many times in a row. */
export function failing(times: number, now = T): LaneState {
  let lane = newLane(HEALTHY, 0);
  for (let i = 0; i < times; i++) lane = attempt(lane, DOWN, now);
  return lane;
}
