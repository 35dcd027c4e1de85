import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { createDueQueue } from '../../src/domain/due-queue.ts';

describe('a due queue', () => {
  it('gives back what was put in, soonest first', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(10_000), { maxLength: 2_000 }), (times) => {
        const queue = createDueQueue<number>();
        for (const at of times) queue.push(at, at);
        const taken: number[] = [];
        for (let item = queue.popDue(10_000); item !== undefined; item = queue.popDue(10_000))
          taken.push(item);
        assert.deepEqual(
          taken,
          times.toSorted((a, b) => a - b),
        );
        assert.equal(queue.size, 0);
        assert.equal(queue.nextDueAt, Number.POSITIVE_INFINITY);
      }),
      { numRuns: 50 },
    );
  });

  it('keeps what is not due yet', () => {
    const queue = createDueQueue<string>();
    queue.push('later', 20);
    queue.push('now', 10);
    assert.equal(queue.nextDueAt, 10);
    assert.equal(queue.popDue(10), 'now');
    assert.equal(queue.popDue(19), undefined);
    assert.equal(queue.size, 1);
  });

  it('is empty once cleared', () => {
    const queue = createDueQueue<string>();
    for (let i = 0; i < 1_000; i++) queue.push('x', i);
    queue.clear();
    assert.equal(queue.popDue(5_000), undefined);
    queue.push('y', 1);
    assert.equal(queue.popDue(1), 'y');
  });
});
