import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aRun, keyOf, T0 } from '../../support/store.ts';
import { type Harness, publishTo, register, settlement, useStore, waitingOf } from './harness.ts';

/** What leaves the other things of the same webhook, and of the same delivery, alone. */
export function apart(harness: Harness): void {
  describe(`${harness.name}: what is left alone`, () => {
    const store = useStore(harness);

    test('a run takes the place of runs, and of no event that waits for the same webhook', async () => {
      const webhook = await register(store());
      const [event] = await publishTo(store(), webhook);
      const first = aRun(webhook);
      assert.deepEqual(await store().fireRuns([first]), ['FIRED']);
      const second = aRun(webhook, { from: first.to.nominalAt!, overlap: 'SUPERSEDE' });
      assert.deepEqual(await store().fireRuns([second]), ['FIRED']);
      const ending = new Map((await waitingOf(store(), webhook.id)).map((row) => [row.id, row.ending]));
      assert.deepEqual(
        [event!.id, first.runs[0]!.delivery.id, second.runs[0]!.delivery.id].map((id) => ending.get(id)),
        [undefined, 'SUPERSEDED', undefined],
      );
    });

    test('a delivery that is finished is not marked to be given up', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      const failed = settlement(delivery!, { to: 'FAILED', reason: 'EXHAUSTED' });
      assert.deepEqual(await store().settle([failed], []), ['SETTLED']);
      const order = { namespace: webhook.namespace, id: delivery!.id, now: T0 };
      assert.deepEqual(await store().cancelDeliveries([order]), ['FINISHED']);
      const { state, reason } = (await store().getDelivery(keyOf(delivery!.id)))!;
      assert.deepEqual([state, reason], ['FAILED', 'EXHAUSTED']);
    });

    test('a delivery that is finished is not put off, though an attempt of it is told of late', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      assert.deepEqual(await store().settle([settlement(delivery!)], []), ['SETTLED']);
      const finished = await store().getDelivery(keyOf(delivery!.id));
      const late = settlement({ ...delivery!, attempts: 1 }, { to: 'PENDING', dueAt: T0 + 60_000 });
      assert.deepEqual(await store().settle([late], []), ['GONE']);
      const after = await store().getDelivery(keyOf(delivery!.id));
      assert.deepEqual([after?.state, after?.finishedAt], ['SUCCEEDED', finished?.finishedAt]);
      assert.deepEqual(await waitingOf(store(), webhook.id), []);
      assert.deepEqual(
        after?.attempts.map(({ number }) => number),
        [1, 2],
      );
    });
  });
}
