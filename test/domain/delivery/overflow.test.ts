import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { overLongest } from '../../../src/domain/delivery/overflow.ts';

const lanes = (...counts: number[]) => counts.map((count, key) => ({ key, count }));

describe('a namespace that is too full', () => {
  it('gives up of its longest lane first', () => {
    assert.deepEqual(overLongest(lanes(3, 100, 10), 20), [{ key: 1, excess: 20 }]);
  });

  it('goes on with the next once the longest is as short', () => {
    assert.deepEqual(overLongest(lanes(30, 100, 60), 60), [
      { key: 1, excess: 40 },
      { key: 2, excess: 20 },
    ]);
  });

  it('gives up a little of each where all are as long', () => {
    const shares = overLongest(lanes(...new Array<number>(500).fill(50)), 200);
    assert.equal(shares.length, 40);
    assert.deepEqual(new Set(shares.map(({ excess }) => excess)), new Set([5]));
  });

  it('gives up no more than there is, and nothing where nothing is too much', () => {
    assert.deepEqual(overLongest(lanes(2, 1), 10), [
      { key: 0, excess: 2 },
      { key: 1, excess: 1 },
    ]);
    assert.deepEqual(overLongest(lanes(2, 1), 0), []);
  });

  it('looks at a million lanes once', () => {
    function* many() {
      for (let key = 0; key < 1_000_000; key++) yield { key, count: 1 + (key % 1_000) };
    }
    const begun = performance.now();
    const shares = overLongest(many(), 500);
    assert.equal(shares.length, 100);
    assert.ok(performance.now() - begun < 2_000);
  });
});
