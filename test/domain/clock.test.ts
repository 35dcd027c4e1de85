import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CLOCK_STEP_MS, steadyClock } from '../../src/domain/clock.ts';
import { manualClock } from '../support/clock.ts';

const T = 1_000_000_000;

describe('a steady clock', () => {
  it('follows small corrections as they come', () => {
    const clock = manualClock(T);
    const steady = steadyClock(clock);
    for (let i = 0; i < 10; i++) {
      clock.jump(-(CLOCK_STEP_MS - 1));
      assert.equal(steady.now(), clock.now());
    }
    assert.equal(steady.step(), 0);
  });

  for (const step of [-3_600_000, -CLOCK_STEP_MS, CLOCK_STEP_MS, 3_600_000]) {
    it(`keeps its course when the machine's clock is set by ${step} ms, until it is told to follow`, () => {
      const clock = manualClock(T);
      const steady = steadyClock(clock);
      clock.jump(step);
      clock.advance(500);
      assert.equal(steady.now(), T + 500);
      assert.equal(steady.step(), step);
      assert.equal(steady.follow(), step);
      assert.equal(steady.now(), clock.now());
      assert.equal(steady.step(), 0);
    });
  }
});
