import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { ClusterView, Store } from '../../../src/store/store.ts';
import { ALL_SHARDS } from '../../support/shards.ts';
import { type Harness, publishTo, register, settlement, useStore, waitingOf } from './harness.ts';

/** What a node that lives sees of the cluster. */
async function seenBy(store: Store, node: string): Promise<ClusterView> {
  const view = await store.beat(node);
  assert.notEqual(view, 'DEAD', `${node} is dead`);
  return view as ClusterView;
}

async function shardsOf(store: Store, node: string): Promise<number[]> {
  const { owners } = await seenBy(store, node);
  return ALL_SHARDS.filter((shard) => owners[shard] === node);
}

async function beatsOf(store: Store, node: string): Promise<number> {
  const { nodes } = await seenBy(store, node);
  return nodes.find((each) => each.node === node)?.beats ?? assert.fail(`${node} does not see itself`);
}

export function cluster(harness: Harness): void {
  describe(`${harness.name}: nodes`, () => {
    const store = useStore(harness);

    test('a node joins under a name that none has had, and owns nothing', async () => {
      const before = await store().join();
      await store().leave(before);
      const node = await store().join();
      assert.notEqual(node, before);
      assert.deepEqual(await shardsOf(store(), node), []);
    });

    test('each beat counts up by one', async () => {
      const node = await store().join();
      const first = await beatsOf(store(), node);
      assert.equal(await beatsOf(store(), node), first + 1);
    });

    test('a node owns what it takes until it gives it up; to take it again changes nothing', async () => {
      const node = await store().join();
      assert.deepEqual(await store().acquire({ node, shards: [3, 9, 40] }), { taken: [3, 9, 40], held: [] });
      assert.deepEqual(await store().acquire({ node, shards: [9] }), { taken: [9], held: [] });
      assert.deepEqual(await shardsOf(store(), node), [3, 9, 40]);
      await store().giveUp({ node, shards: [9, 11], held: [] });
      assert.deepEqual(await shardsOf(store(), node), [3, 40]);
    });

    test('a node that goes owns nothing, takes nothing, and is heard of no more', async () => {
      const node = await store().join();
      await store().acquire({ node, shards: [1] });
      await store().leave(node);
      assert.equal(await store().beat(node), 'DEAD');
      assert.deepEqual(await store().acquire({ node, shards: [1] }), { taken: [], held: [] });
      const next = await store().join();
      assert.deepEqual((await seenBy(store(), next)).owners, new Array(ALL_SHARDS.length).fill(undefined));
    });

    test('a node is buried that has not beaten since it was looked at, and no other', async () => {
      const node = await store().join();
      const beats = await beatsOf(store(), node);
      await beatsOf(store(), node);
      await store().bury([{ node, beats }]);
      await store().bury([{ node, beats: (await beatsOf(store(), node)) + 1 }]);
      assert.notEqual(await store().beat(node), 'DEAD');
      await store().bury([{ node, beats: await beatsOf(store(), node) }]);
      assert.equal(await store().beat(node), 'DEAD');
    });

    test('what a node settles counts while it lives, and changes nothing once it is dead', async () => {
      const webhook = await register(store());
      const [one, two] = await publishTo(store(), webhook, 2);
      const node = await store().join();
      assert.deepEqual(await store().settle([settlement(one!)], [], node), ['SETTLED']);
      await store().bury([{ node, beats: await beatsOf(store(), node) }]);
      assert.deepEqual(await store().settle([settlement(two!)], [], node), ['DEAD']);
      assert.deepEqual(await waitingOf(store(), webhook.id), [two]);
    });

    test('a poll for no shards takes nothing from who has them', async () => {
      const webhook = await register(store());
      await store().pollWaiting();
      const [delivery] = await publishTo(store(), webhook);
      const query = { shards: [], since: undefined, held: [] };
      assert.deepEqual((await store().pollWaiting(query)).deliveries, []);
      const { mark: since } = await store().pollWaiting(query);
      const { deliveries } = await store().pollWaiting({ shards: ALL_SHARDS, since, held: [] });
      assert.deepEqual(
        deliveries.map(({ id }) => id),
        [delivery?.id],
      );
    });
  });
}
