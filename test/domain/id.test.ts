import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createIds, newId, runEventId, timeOfId } from '../../src/domain/id.ts';
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

  it('of one maker sort as they were made, within a millisecond too', () => {
    const next = createIds('event', systemRandom());
    const ids = Array.from({ length: 10_000 }, (_, i) => next(1_767_225_600_000 + Math.floor(i / 3_000)));
    assert.deepEqual(ids.toSorted(), ids);
    assert.equal(new Set(ids).size, ids.length);
    for (const id of ids) assert.match(id, /^evt_[0-9A-HJKMNP-TV-Z]{26}$/);
    assert.equal(timeOfId(ids.at(-1)!), 1_767_225_600_003);
  });

  it('of one maker begin anywhere in a millisecond, and have room to count from there', () => {
    const drawn = (value: number) => ({ unit: () => 0, bytes: () => new Uint8Array(10).fill(value) });
    const next = createIds('event', drawn(255));
    assert.deepEqual(
      [next(0), next(0)],
      [`evt_0000000000${'Z'.repeat(8)}FZZZZZZZ`, `evt_0000000000${'Z'.repeat(8)}G0000000`],
    );
    const ids = [1, 2].map((value) => createIds('event', drawn(value))(0));
    assert.equal(new Set(ids.map((id) => id.slice(14, 22))).size, 2);
    assert.equal(new Set(ids.map((id) => id.slice(22))).size, 2);
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
