import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  BREAKER_FAILURES,
  excused,
  finished,
  HEALTHY,
  holdOf,
  type LaneRules,
  movedBack,
  newLane,
  next,
  resumed,
  started,
  TROUBLE_MAX_MS,
  TROUBLE_MS,
} from '../../../src/domain/delivery/lane.ts';
import type { Verdict } from '../../../src/domain/delivery/settle.ts';
import { attempt, DOWN, failing, HALF, RULES, SUCCESS, T } from '../../support/lane-states.ts';

/** What keeps a lane from moving beside its breaker, whose fault that is, and what a clock that is set does to it. */

describe('what a destination asked for with Retry-After', () => {
  const asked = (ms: number): Verdict => ({ ...DOWN, retryAfterMs: ms });

  it('is kept with the health, in whole seconds, and holds a lane that is made of that', () => {
    const lane = attempt(newLane(HEALTHY, 0), asked(30_100), T);
    assert.equal(lane.health.holdUntil, T + 31_000);
    assert.deepEqual(next(newLane(lane.health, 0), RULES, T), { go: 0, again: T + 31_000 });
    assert.deepEqual(holdOf(lane.health), { reason: 'RETRY_AFTER', until: T + 31_000 });
  });

  it('is written again only when it changes by a second', () => {
    const first = attempt(newLane(HEALTHY, 0), asked(30_100), T);
    assert.equal(attempt(first, asked(30_000), T + 900).health, first.health);
    assert.notEqual(attempt(first, asked(30_000), T + 1_001).health, first.health);
  });

  it('outlives a success that was in flight beside it, and not the time that it was for', () => {
    const held = attempt(newLane(HEALTHY, 0), asked(30_000), T);
    assert.deepEqual(attempt(held, SUCCESS, T + 29_999).health, { ...HEALTHY, holdUntil: T + 30_000 });
    assert.deepEqual(attempt(held, SUCCESS, T + 30_000).health, HEALTHY);
  });

  it('is told before a breaker that ends sooner, and after one that ends later', () => {
    const both = { ...HEALTHY, openUntil: T + 5, holdUntil: T + 6 };
    assert.equal(holdOf(both)?.reason, 'RETRY_AFTER');
    assert.deepEqual(holdOf({ ...both, openUntil: T + 7 }), { reason: 'BREAKER_OPEN', until: T + 7 });
    assert.equal(holdOf(HEALTHY), undefined);
  });

  it('does not hold a lane whose health began anew', () => {
    const lane = resumed(attempt(newLane(HEALTHY, 0), asked(30_000), T), HEALTHY);
    assert.equal(next(lane, RULES, T).go, RULES.concurrency);
  });
});

describe('trouble of our own', () => {
  const LOCAL: Verdict = { ...DOWN, unavailable: false, ours: true };

  it('opens no breaker and begins no failing, but lets the lane wait, longer each time, up to a bound', () => {
    let lane = newLane(HEALTHY, 0);
    let now = T;
    const waits: number[] = [];
    for (let i = 0; i < 10; i++) {
      lane = attempt(lane, LOCAL, now);
      const { go, again } = next(lane, RULES, now);
      assert.equal(go, 0);
      waits.push(again - now);
      now = again;
      assert.equal(next(lane, RULES, now).go, 1);
    }
    assert.deepEqual(waits.slice(0, 3), [TROUBLE_MS, TROUBLE_MS * 2, TROUBLE_MS * 4]);
    assert.equal(waits.at(-1), TROUBLE_MAX_MS);
    assert.deepEqual([lane.health, lane.failures], [HEALTHY, 0]);
  });

  it('counts once for all that were in flight when it came', () => {
    let lane = newLane(HEALTHY, 0);
    for (let i = 0; i < 8; i++) lane = started(lane, RULES, T);
    for (let i = 0; i < 8; i++) lane = finished(lane, LOCAL, T + i, HALF);
    assert.deepEqual(next(lane, RULES, T + 8), { go: 0, again: T + TROUBLE_MS });
  });

  it('is over with the first answer, however bad', () => {
    const lane = attempt(attempt(newLane(HEALTHY, 0), LOCAL, T), DOWN, T + TROUBLE_MS);
    assert.equal(next(lane, RULES, T + TROUBLE_MS).go, RULES.concurrency);
  });

  it('lets the time for which a destination has failed begin anew, and leaves an open breaker open', () => {
    const open = failing(BREAKER_FAILURES);
    const lane = attempt(open, LOCAL, T + 60_000);
    assert.deepEqual(lane.health, { ...open.health, failingSince: null });
    assert.equal(attempt(lane, DOWN, T + 90_000).health.failingSince, T + 90_000);
  });

  it('that was found out late takes back what it did to breakers, and nothing of before', () => {
    const open = failing(BREAKER_FAILURES);
    assert.deepEqual(excused(open, T).health, HEALTHY);
    assert.equal(excused(open, T).failures, 0);
    assert.equal(excused(open, T + 1), open);
  });
});

describe('a lane whose clock is put back', () => {
  it('waits as long as it was to: for its rate, its breaker, Retry-After and trouble of our own', () => {
    const STEP = 600_000;
    const limited: LaneRules = { ...RULES, rate: { perSecond: 1, burst: 1 } };
    const spent = started(newLane(HEALTHY, 0), limited, T);
    const held = attempt(newLane(HEALTHY, 0), { ...DOWN, retryAfterMs: 30_000 }, T);
    const troubled = attempt(newLane(HEALTHY, 0), { ...DOWN, unavailable: false, ours: true }, T);
    for (const [lane, rules] of [
      [spent, limited],
      [held, RULES],
      [failing(BREAKER_FAILURES), RULES],
      [troubled, RULES],
    ] as const) {
      const { go, again } = next(lane, rules, T);
      const moved = next(movedBack(lane, STEP), rules, T - STEP);
      assert.deepEqual(moved, { go, again: again - STEP });
    }
  });
});
