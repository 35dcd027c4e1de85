import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createCounters } from '../../../src/store/calls/counters.ts';

const A = { key: 1, namespace: 'a' };
const B = { key: 2, namespace: 'b' };

describe('the counters of what waits', () => {
  test('each namespace and all of them are counted', () => {
    const counters = createCounters([[1, 'a', 2]]);
    counters.add(A, 1);
    counters.add(B, 5);
    counters.add(A, -3);
    assert.deepEqual([counters.of('a'), counters.of('b'), counters.of('c')], [0, 5, 0]);
    assert.equal(counters.total(), 5);
  });

  test('each lane is counted, as long as anything waits in it', () => {
    const counters = createCounters([[1, 'a', 2]]);
    const other = { key: 3, namespace: 'a' };
    counters.add(other, 5);
    counters.add(B, 1);
    assert.deepEqual(
      [...counters.lanes('a')],
      [
        { key: 1, count: 2 },
        { key: 3, count: 5 },
      ],
    );
    counters.begin();
    const mark = counters.mark();
    counters.add(A, -2);
    assert.deepEqual([...counters.lanes('a')], [{ key: 3, count: 5 }]);
    assert.deepEqual([counters.in(A), counters.in(other), counters.in(B)], [0, 5, 1]);
    counters.undo(mark);
    assert.equal(counters.in(A), 2);
  });

  test('what was added since a mark is taken back, and what came before is not', () => {
    const counters = createCounters([[1, 'a', 10]]);
    counters.begin();
    counters.add(A, 1);
    const mark = counters.mark();
    counters.add(A, 2);
    counters.add(B, 4);
    counters.undo(mark);
    assert.deepEqual([counters.of('a'), counters.of('b'), counters.total()], [11, 0, 11]);
    counters.undo(0);
    assert.deepEqual([counters.of('a'), counters.total()], [10, 10]);
  });

  test('what an earlier transaction added is not taken back', () => {
    const counters = createCounters([]);
    counters.begin();
    counters.add(A, 1);
    counters.begin();
    counters.add(A, 2);
    counters.undo(0);
    assert.equal(counters.of('a'), 1);
  });

  test('going on after taking back is counted anew', () => {
    const counters = createCounters([]);
    counters.begin();
    const mark = counters.mark();
    counters.add(A, 1);
    counters.undo(mark);
    counters.add(A, 2);
    counters.undo(mark);
    assert.equal(counters.total(), 0);
  });
});
