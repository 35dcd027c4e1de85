import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import {
  BREAKER_FAILURES,
  BREAKER_OPEN_MAX_MS,
  BREAKER_OPEN_MS,
  failsTooLong,
  fairShare,
  finished,
  HEALTHY,
  isForgettable,
  isRecovery,
  type LaneRules,
  type LaneState,
  newLane,
  next,
  RECOVERY_AFTER_MS,
  started,
  urged,
} from '../../../src/domain/delivery/lane.ts';
import type { Verdict } from '../../../src/domain/delivery/settle.ts';
import { attempt, DOWN, failing, HALF, RULES, SUCCESS, T } from '../../support/lane-states.ts';

const NOT_FOUND: Verdict = { ...DOWN, unavailable: false };
/** What a caller has sent again. */
const ORD = 7;

describe('a lane', () => {
  it('lets as many go as its concurrency leaves', () => {
    let lane = newLane(HEALTHY, 0);
    assert.equal(next(lane, RULES, T).go, 8);
    for (let i = 0; i < 8; i++) lane = started(lane, RULES, T);
    assert.deepEqual(next(lane, RULES, T), { go: 0, again: Number.POSITIVE_INFINITY });
    assert.equal(next(finished(lane, SUCCESS, T, HALF), RULES, T).go, 1);
  });

  it('never moves while its webhook is paused or disabled', () => {
    const turn = next(newLane(HEALTHY, 0), { ...RULES, open: false }, T);
    assert.deepEqual(turn, { go: 0, again: Number.POSITIVE_INFINITY });
  });

  it('waits as a whole when the destination asks to be left alone', () => {
    const lane = attempt(newLane(HEALTHY, 0), { ...DOWN, retryAfterMs: 30_000 }, T);
    assert.deepEqual(next(lane, RULES, T + 1), { go: 0, again: T + 30_000 });
    assert.equal(next(lane, RULES, T + 30_000).go, 8);
  });
});

describe('the circuit breaker', () => {
  it('opens after failures in a row and lets one probe go when its time has come', () => {
    assert.equal(failing(BREAKER_FAILURES - 1).health.openUntil, null);
    const lane = failing(BREAKER_FAILURES);
    assert.deepEqual(next(lane, RULES, T), { go: 0, again: T + BREAKER_OPEN_MS });
    assert.equal(next(lane, RULES, T + BREAKER_OPEN_MS).go, 1);
    const probing = started(lane, RULES, T + BREAKER_OPEN_MS);
    assert.equal(next(probing, RULES, T + BREAKER_OPEN_MS).go, 0);
  });

  it('counts failures in a row: any answer in between begins the count anew', () => {
    for (const answered of [SUCCESS, NOT_FOUND]) {
      let lane = attempt(failing(BREAKER_FAILURES - 1), answered, T);
      for (let i = 1; i < BREAKER_FAILURES; i++) lane = attempt(lane, DOWN, T);
      assert.equal(lane.health.openUntil, null);
      assert.notEqual(attempt(lane, DOWN, T).health.openUntil, null);
    }
  });

  it('stays open for a fifth less or more, so that lanes do not probe in step', () => {
    const openMs = (unit: number): number => {
      const state = started(failing(BREAKER_FAILURES - 1), RULES, T);
      return finished(state, DOWN, T, unit).health.openUntil! - T;
    };
    assert.equal(openMs(0), BREAKER_OPEN_MS * 0.8);
    assert.equal(openMs(1 - Number.EPSILON), BREAKER_OPEN_MS * 1.2);
  });

  it('closes when the probe succeeds, or is at least answered', () => {
    const at = T + BREAKER_OPEN_MS;
    assert.deepEqual(attempt(failing(BREAKER_FAILURES), SUCCESS, at).health, HEALTHY);
    assert.deepEqual(attempt(failing(BREAKER_FAILURES), NOT_FOUND, at).health, {
      failingSince: T,
      trips: 0,
      openUntil: null,
      holdUntil: null,
    });
  });

  it('stays open twice as long each time a probe fails, up to a bound', () => {
    let lane = failing(BREAKER_FAILURES);
    const opened: number[] = [];
    for (let i = 0; i < 10; i++) {
      const at = lane.health.openUntil!;
      lane = attempt(lane, DOWN, at);
      opened.push(lane.health.openUntil! - at);
    }
    assert.deepEqual(opened.slice(0, 3), [BREAKER_OPEN_MS * 2, BREAKER_OPEN_MS * 4, BREAKER_OPEN_MS * 8]);
    assert.equal(opened.at(-1), BREAKER_OPEN_MAX_MS);
  });

  it('keeps the very health it had while nothing goes wrong, so that there is nothing to write', () => {
    // As read from the store: equal to HEALTHY, and another object.
    const health = { ...HEALTHY };
    assert.equal(attempt(newLane(health, 0), SUCCESS, T).health, health);
  });

  it('is not opened again by attempts that were in flight when it opened', () => {
    let lane = newLane(HEALTHY, 0);
    for (let i = 0; i < 8; i++) lane = started(lane, RULES, T);
    for (let i = 0; i < 8; i++) lane = finished(lane, DOWN, T + i, HALF);
    assert.equal(lane.health.trips, 1);
    assert.equal(lane.health.openUntil, T + BREAKER_FAILURES - 1 + BREAKER_OPEN_MS);
  });

  it('is not moved by a destination that answers with 4xx, which still counts as failing', () => {
    let lane = newLane(HEALTHY, 0);
    for (let i = 0; i < 20; i++) lane = attempt(lane, NOT_FOUND, T + i);
    assert.deepEqual(lane.health, { failingSince: T, trips: 0, openUntil: null, holdUntil: null });
  });
});

describe('a lane that waits while a caller has something sent again by hand', () => {
  const held = attempt(newLane(HEALTHY, 0), { ...DOWN, retryAfterMs: 60_000 }, T);
  const NOW = T + 1;

  it('lets one go at once, alone, though its breaker is open or the destination asked to be left alone', () => {
    for (const waits of [failing(BREAKER_FAILURES), held]) {
      const asked = urged(waits, ORD);
      assert.deepEqual(next(asked, RULES, NOW), { go: 1, again: NOW });
      assert.equal(next(started(asked, RULES, NOW), RULES, NOW).go, 0);
    }
  });

  it('waits as it did when that fails', () => {
    for (const waits of [failing(BREAKER_FAILURES), held]) {
      const lane = attempt(urged(waits, ORD), DOWN, NOW);
      assert.deepEqual(lane.health, waits.health);
      assert.equal(lane.holdUntil, waits.holdUntil);
      assert.deepEqual(next(lane, RULES, NOW), next(waits, RULES, NOW));
    }
  });

  it('moves again when that succeeds', () => {
    for (const waits of [failing(BREAKER_FAILURES), held]) {
      const lane = attempt(urged(waits, ORD), SUCCESS, NOW);
      assert.equal(next(lane, RULES, NOW).go, RULES.concurrency);
      assert.deepEqual(lane.health, HEALTHY);
    }
  });

  it('lets one more go when it is asked again while the first is under way', () => {
    const underWay = started(urged(failing(BREAKER_FAILURES), ORD), RULES, NOW);
    const lane = finished(urged(underWay, ORD), DOWN, NOW, HALF);
    assert.equal(next(lane, RULES, NOW).go, 1);
    assert.equal(next(attempt(lane, DOWN, NOW), RULES, NOW).go, 0);
  });

  it('lets none go beside what is in flight, nor while it is paused, nor beyond the rate', () => {
    const busy = urged(started(failing(BREAKER_FAILURES), RULES, NOW), ORD);
    assert.equal(next(busy, RULES, NOW).go, 0);
    const asked = urged(failing(BREAKER_FAILURES), ORD);
    assert.equal(next(asked, { ...RULES, open: false }, NOW).go, 0);
    const rate = { perSecond: 1, burst: 1 };
    assert.equal(next({ ...asked, tokensAt: NOW }, { ...RULES, rate }, NOW).go, 0);
  });

  it('does not remember it when it did not have to wait', () => {
    const lane = started(urged(newLane(HEALTHY, 0), ORD), RULES, T);
    const opened = Array.from({ length: BREAKER_FAILURES }).reduce<LaneState>(
      (state) => attempt(state, DOWN, T),
      finished(lane, SUCCESS, T, HALF),
    );
    assert.equal(next(opened, RULES, T).go, 0);
  });
});

describe('the rate limit', () => {
  const rate = { perSecond: 10, burst: 3 };
  const rules: LaneRules = { ...RULES, rate };

  it('begins empty and fills up to its burst', () => {
    const lane = newLane(HEALTHY, T);
    assert.deepEqual(next(lane, rules, T), { go: 0, again: T + 100 });
    assert.equal(next(lane, rules, T + 100).go, 1);
    assert.equal(next(lane, rules, T + 60_000).go, 3);
  });

  it('gives nothing for a clock that was put back', () => {
    const lane = started(newLane(HEALTHY, 0), rules, T);
    assert.equal(next(lane, rules, T - 5_000).go, 2);
  });

  it('has its token at the time that was told for it, though fractions do not add up to one', () => {
    const limited: LaneRules = { open: true, concurrency: 256, rate: { perSecond: 0.5, burst: 2 } };
    let lane = newLane(HEALTHY, T);
    let now = T;
    for (const wait of [62, 305, 166, 313, 102, 308, 342, 312, 136, 107, 114]) {
      now += wait;
      const turn = next(lane, limited, now);
      if (turn.go === 0) assert.equal(next(lane, limited, turn.again).go, 1);
      for (let i = 0; i < turn.go; i++) lane = finished(started(lane, limited, now), SUCCESS, now, HALF);
    }
  });

  it('never lets more go in any span than burst and rate allow, and never wakes in vain', () => {
    const steps = fc.array(fc.nat(400), { minLength: 1, maxLength: 200 });
    fc.assert(
      fc.property(
        fc.double({ min: 0.5, max: 200, noNaN: true }),
        fc.integer({ min: 1, max: 20 }),
        steps,
        (perSecond, burst, waits) => {
          const limited: LaneRules = { open: true, concurrency: 256, rate: { perSecond, burst } };
          let lane = newLane(HEALTHY, T);
          let now = T;
          const sent: number[] = [];
          for (const wait of waits) {
            now += wait;
            const turn = next(lane, limited, now);
            if (turn.go === 0) {
              assert.ok(turn.again > now);
              assert.ok(next(lane, limited, turn.again).go >= 1);
            }
            for (let i = 0; i < turn.go; i++) {
              lane = started(lane, limited, now);
              lane = finished(lane, SUCCESS, now, HALF);
              sent.push(now);
            }
          }
          for (let i = 0; i < sent.length; i++) {
            const spanMs = sent.at(-1)! - sent[i]!;
            assert.ok(sent.length - i <= burst + (spanMs * perSecond) / 1000 + 1e-6);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('lanes together', () => {
  it('never exceed their concurrency, whatever happens', () => {
    const verdicts = fc.constantFrom(SUCCESS, DOWN, NOT_FOUND, { ...DOWN, retryAfterMs: 50 });
    const moves = fc.array(fc.oneof(fc.constant('send' as const), verdicts), { maxLength: 300 });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 16 }), moves, (concurrency, steps) => {
        const rules: LaneRules = { open: true, concurrency };
        let lane = newLane(HEALTHY, 0);
        let now = T;
        for (const step of steps) {
          now += 10;
          if (step === 'send') {
            const { go } = next(lane, rules, now);
            assert.ok(go === 0 || lane.health.openUntil === null || go === 1);
            for (let i = 0; i < go; i++) lane = started(lane, rules, now);
          } else if (lane.inFlight > 0) lane = finished(lane, step, now, HALF);
          assert.ok(lane.inFlight >= 0 && lane.inFlight <= concurrency);
        }
      }),
    );
  });

  it('always leave room for one more lane, however many of them hang', () => {
    let inFlight = 0;
    for (let lane = 0; lane < 10_000 && inFlight < 4_096; lane++) {
      let own = 0;
      while (own < Math.min(256, fairShare(inFlight, 4_096)) && inFlight < 4_096) {
        own++;
        inFlight++;
      }
      assert.ok(own > 0);
      if (lane < 50) assert.ok(inFlight < 4_096);
    }
  });
});

describe('what is kept of a lane', () => {
  it('says when a destination has failed for too long', () => {
    const { health } = failing(1);
    assert.equal(failsTooLong(health, 1000, T + 999), false);
    assert.equal(failsTooLong(health, 1000, T + 1000), true);
    assert.equal(failsTooLong(HEALTHY, 0, T), false);
  });

  it('says when a success is news: after the breaker had opened, or after a long time without one', () => {
    assert.equal(isRecovery(HEALTHY, T), false);
    const { health } = failing(BREAKER_FAILURES - 1);
    assert.equal(isRecovery(health, T + 1000), false);
    assert.equal(isRecovery(failing(BREAKER_FAILURES).health, T + 1000), true);
    assert.equal(isRecovery(health, T + RECOVERY_AFTER_MS), true);
  });

  it('can be forgotten only when a new lane would be the same', () => {
    const rules: LaneRules = { ...RULES, rate: { perSecond: 1, burst: 1 } };
    const lane = finished(started(newLane(HEALTHY, 0), rules, T), SUCCESS, T, HALF);
    assert.equal(isForgettable(lane, rules, T), false);
    assert.equal(isForgettable(lane, rules, T + 1000), true);
    assert.equal(isForgettable(failing(1), RULES, T), false);
    const held = attempt(newLane(HEALTHY, 0), { ...NOT_FOUND, retryAfterMs: 1000 }, T);
    assert.equal(isForgettable(held, RULES, T + 999), false);
    assert.equal(isForgettable(held, RULES, T + 1000), true);
    assert.equal(isForgettable(started(newLane(HEALTHY, 0), RULES, T), RULES, T), false);
  });
});
