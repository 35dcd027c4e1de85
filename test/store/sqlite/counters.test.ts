import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCounters } from '../../../src/store/sqlite/counters.ts';

describe('the counters of what waits', () => {
  test('each namespace and all of them are counted', () => {
    const counters = createCounters([['a', 2]]);
    counters.add('a', 1);
    counters.add('b', 5);
    counters.add('a', -3);
    assert.deepEqual([counters.of('a'), counters.of('b'), counters.of('c')], [0, 5, 0]);
    assert.equal(counters.total(), 5);
  });

  test('what was added since a mark is taken back, and what came before is not', () => {
    const counters = createCounters([['a', 10]]);
    counters.begin();
    counters.add('a', 1);
    const mark = counters.mark();
    counters.add('a', 2);
    counters.add('b', 4);
    counters.undo(mark);
    assert.deepEqual([counters.of('a'), counters.of('b'), counters.total()], [11, 0, 11]);
    counters.undo(0);
    assert.deepEqual([counters.of('a'), counters.total()], [10, 10]);
  });

  test('what an earlier transaction added is not taken back', () => {
    const counters = createCounters([]);
    counters.begin();
    counters.add('a', 1);
    counters.begin();
    counters.add('a', 2);
    counters.undo(0);
    assert.equal(counters.of('a'), 1);
  });

  test('going on after taking back is counted anew', () => {
    const counters = createCounters([]);
    counters.begin();
    const mark = counters.mark();
    counters.add('a', 1);
    counters.undo(mark);
    counters.add('a', 2);
    counters.undo(mark);
    assert.equal(counters.total(), 0);
  });
});
