import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTrouble } from '../../src/domain/trouble.ts';
import { manualClock } from '../support/clock.ts';
import { T0 } from '../support/store.ts';

describe('trouble that goes on', () => {
  it('is told of at once, at growing gaps of up to an hour, and when it is over', () => {
    const clock = manualClock(T0);
    const trouble = createTrouble(clock);
    const toldAt: number[] = [];
    for (let second = 0; second < 6 * 3_600; second++) {
      if (trouble.failed('disk full') !== undefined) toldAt.push(second);
      clock.advance(1_000);
    }
    assert.deepEqual(toldAt.slice(0, 5), [0, 10, 30, 70, 150]);
    const gaps = toldAt.slice(1).map((at, i) => at - toldAt[i]!);
    assert.equal(Math.max(...gaps), 3_600);
    assert.ok(toldAt.length < 20, String(toldAt.length));
    assert.deepEqual(trouble.isOver(), { since: T0, failures: 6 * 3_600 });
    assert.equal(trouble.isOver(), undefined);
  });

  it('is told of at once for another reason, but not each time where two take turns', () => {
    const clock = manualClock(T0);
    const trouble = createTrouble(clock);
    const told = ['a', 'b', 'a', 'b', 'a'].map((reason) => trouble.failed(reason)?.failures);
    assert.deepEqual(told, [1, 2, undefined, undefined, undefined]);
    const many = Array.from({ length: 1_000 }, (_, i) => trouble.failed(`reason ${i}`));
    assert.ok(many.filter((each) => each !== undefined).length < 20);
  });

  it('begins anew after it was over, with the first gap', () => {
    const clock = manualClock(T0);
    const trouble = createTrouble(clock);
    for (let second = 0; second < 40; second++) {
      trouble.failed('disk full');
      clock.advance(1_000);
    }
    trouble.isOver();
    assert.deepEqual(trouble.failed('disk full'), { since: T0 + 40_000, failures: 1 });
    clock.advance(10_000);
    assert.deepEqual(trouble.failed('disk full'), { since: T0 + 40_000, failures: 2 });
  });
});
