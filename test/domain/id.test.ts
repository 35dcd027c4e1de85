import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { newId, runEventId, timeOfId } from '../../src/domain/id.ts';
import { systemRandom } from '../../src/domain/random.ts';

describe('ids', () => {
  it('sort by the time they were made, to the millisecond', () => {
    const random = systemRandom();
    const ids = [0, 1, 31, 32, 1_767_225_600_000, 1_767_225_600_001, 2 ** 47].map((now) =>
      newId('delivery', now, random),
    );
    assert.deepEqual(ids.toSorted(), ids);
  });

  it('say when they were made', () => {
    const random = systemRandom();
    for (const now of [0, 31, 32, 1_767_225_600_001, 2 ** 47]) {
      assert.equal(timeOfId(newId('event', now, random)), now);
      assert.equal(timeOfId(runEventId('wh_A', now)), now);
    }
  });

  it('are a prefix and 26 characters, and do not repeat', () => {
    const random = systemRandom();
    const ids = new Set(Array.from({ length: 10_000 }, () => newId('webhook', 1_767_225_600_000, random)));
    assert.equal(ids.size, 10_000);
    for (const id of ids) assert.match(id, /^wh_[0-9A-HJKMNP-TV-Z]{26}$/);
  });

  it('use every bit of the randomness they are given', () => {
    const random = { unit: () => 0, bytes: () => new Uint8Array(10).fill(255) };
    assert.equal(newId('event', 0, random), `evt_0000000000${'Z'.repeat(16)}`);
  });

  it('name a run by its webhook and nominal time, and by nothing else', () => {
    assert.equal(runEventId('wh_A', 5_000), runEventId('wh_A', 5_000));
    assert.notEqual(runEventId('wh_A', 5_000), runEventId('wh_A', 5_001));
    assert.notEqual(runEventId('wh_A', 5_000), runEventId('wh_B', 5_000));
  });
});
