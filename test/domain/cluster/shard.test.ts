import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { SHARDS, shardOf } from '../../../src/domain/cluster/shard.ts';
import { newId } from '../../../src/domain/id.ts';
import { systemRandom } from '../../../src/domain/random.ts';
import { T0 } from '../../support/store.ts';

describe('the shard of a webhook', () => {
  it('follows from the last two characters of its id, in the alphabet of ids', () => {
    const shards = ['00', '0Z', '10', '1Z', '20', 'ZZ'].map((end) => shardOf(`wh_${'0'.repeat(24)}${end}`));
    assert.deepEqual(shards, [0, 31, 32, 63, 0, 63]);
  });

  it('is one of 64, of which each has about as many webhooks', () => {
    const random = systemRandom();
    const counts = new Array<number>(SHARDS).fill(0);
    for (let i = 0; i < 64_000; i++) counts[shardOf(newId('webhook', T0, random))]!++;
    // Six standard deviations.
    for (const count of counts) assert.ok(count > 800 && count < 1_200, String(counts));
  });

  it('is there for any text', () => {
    for (const id of ['', 'x', 'webhook-7']) assert.ok(shardOf(id) >= 0 && shardOf(id) < SHARDS);
  });
});
