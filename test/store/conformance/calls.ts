import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SWEEP_BATCH } from '../../../src/store/housekeeping.ts';
import type { Store } from '../../../src/store/store.ts';
import { anAttempt, aPublication, aRun, aWebhook, keyOf, T0 } from '../../support/store.ts';
import { type Harness, publishTo, register, settlement, sweepAll, useStore, waitingOf } from './harness.ts';

export function calls(harness: Harness): void {
  describe(`${harness.name}: many callers`, () => {
    const store = useStore(harness);

    test('calls see what earlier calls wrote, and are answered in their order', async () => {
      const webhook = aWebhook();
      const answered: string[] = [];
      const note = (name: string) => () => void answered.push(name);
      const created = store().createWebhooks([webhook]);
      const read = store().getWebhooks([webhook.id]);
      const updated = store().updateWebhooks([{ webhook: { ...webhook, version: 2 }, ifVersion: 1 }]);
      const readAgain = store().getWebhooks([webhook.id]);
      await Promise.all([
        created.then(note('created')),
        read.then(note('read')),
        updated.then(note('updated')),
        readAgain.then(note('read again')),
      ]);
      assert.deepEqual((await read)[0]?.version, 1);
      assert.deepEqual((await readAgain)[0]?.version, 2);
      assert.deepEqual(answered, ['created', 'read', 'updated', 'read again']);
    });

    test('of many callers that fire the same run, one does', async () => {
      const webhook = await register(store());
      const results = await Promise.all(Array.from({ length: 20 }, () => store().fireRuns([aRun(webhook)])));
      assert.equal(results.flat().filter((result) => result === 'FIRED').length, 1);
      assert.equal((await waitingOf(store(), webhook.id)).length, 1);
    });

    test('of many callers that register the same key, one creates it', async () => {
      const { spec, namespace } = aWebhook();
      const results = await Promise.all(
        Array.from({ length: 20 }, () => store().createWebhooks([aWebhook({ namespace, spec })])),
      );
      assert.equal(results.flat().filter((result) => result === 'CREATED').length, 1);
    });

    test('many publishers at once lose nothing, and each of their deliveries has a place of its own', async () => {
      const webhook = await register(store());
      const batches = Array.from({ length: 200 }, () => [
        aPublication([webhook.id]),
        aPublication([webhook.id]),
      ]);
      const results = await Promise.all(batches.map((batch) => store().publish(batch)));
      assert.ok(results.flat().every(({ kind }) => kind === 'PUBLISHED'));
      const waiting = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        waiting.map(({ id }) => id),
        batches.flat().map(({ deliveries }) => deliveries[0]?.id),
      );
      assert.equal(new Set(waiting.map(({ ord }) => ord)).size, 400);
    });
  });

  describe(`${harness.name}: closing`, () => {
    test('what was accepted before is finished, and what comes after is refused', async () => {
      const store = await harness.open();
      const webhook = aWebhook();
      const accepted = [store.createWebhooks([webhook]), store.getWebhooks([webhook.id])] as const;
      const closed = store.close();
      await assert.rejects(store.createWebhooks([aWebhook()]), { code: 'UNAVAILABLE' });
      assert.deepEqual(await accepted[0], ['CREATED']);
      assert.equal((await accepted[1])[0]?.id, webhook.id);
      await closed;
      await assert.rejects(store.getWebhooks([webhook.id]), { code: 'UNAVAILABLE' });
    });

    test('closing twice is closing once', async () => {
      const store = await harness.open();
      await Promise.all([store.close(), store.close()]);
      await store.close();
    });
  });

  const { reopen } = harness;
  if (reopen) survival(harness, reopen);
}

function survival(harness: Harness, reopen: (store: Store) => Promise<Store>): void {
  describe(`${harness.name}: opening again`, () => {
    test('everything is there, and goes on from where it was', async () => {
      let store = await harness.open();
      const webhook = await register(store);
      const removed = await register(store, { namespace: webhook.namespace });
      const [done, failed, ...waiting] = await publishTo(store, webhook, 5);
      const [cancelled] = await publishTo(store, removed, 501);
      await store.settle([settlement(done!), settlement(failed!, { to: 'FAILED', reason: 'REFUSED' })], []);
      await store.removeWebhooks([{ id: removed.id, now: T0 + 1 }]);
      const query = { namespace: webhook.namespace, limit: 1000 };
      const before = await store.listDeliveries(query);

      store = await reopen(store);
      assert.deepEqual(await store.getWebhooks([webhook.id, removed.id]), [webhook, undefined]);
      assert.deepEqual(await store.listDeliveries(query), before);
      assert.deepEqual(await waitingOf(store, webhook.id), waiting);
      assert.deepEqual(await waitingOf(store, removed.id), []);
      assert.deepEqual((await store.getDelivery(keyOf(done!.id)))?.attempts, [anAttempt(1)]);
      assert.equal((await store.getDelivery(keyOf(cancelled!.id)))?.state, 'CANCELLED');
      assert.deepEqual(await store.waitingLanes({ limit: 10 }), [{ webhookId: webhook.id, dueAt: T0 }]);
      assert.deepEqual(await store.pollWaiting(), { deliveries: [], events: [], topUp: [], retried: [] });

      const [next] = await publishTo(store, webhook);
      assert.ok(next!.ord > waiting.at(-1)!.ord, 'what arrives now is behind what arrived before');
      await store.close();
    });

    test('what was to be given up is in the first poll, until it is settled', async () => {
      let store = await harness.open();
      const webhook = await register(store);
      const { namespace } = webhook;
      const [first, second, third] = await publishTo(store, webhook, 3, { dueAt: T0 + 1_000_000 });
      const order = (id: string) => ({ namespace, id, now: T0 });
      await store.cancelDeliveries([order(first!.id), order(second!.id)]);
      const cancelled = { to: 'CANCELLED', reason: 'REQUESTED' } as const;
      await store.settle([{ delivery: first!, transition: cancelled, now: T0 }], []);

      store = await reopen(store);
      const { deliveries } = await store.pollWaiting();
      assert.deepEqual(deliveries, [{ ...second!, ending: 'REQUESTED' }]);
      assert.deepEqual((await store.pollWaiting()).deliveries, []);
      assert.deepEqual(await waitingOf(store, webhook.id), [...deliveries, third]);
      await store.close();
    });

    test('what comes in after everything was swept is listed', async () => {
      let store = await harness.open();
      const webhook = await register(store);
      const { namespace } = webhook;
      const old = await publishTo(store, webhook, 5);
      await store.settle(
        old.map((delivery) => settlement(delivery)),
        [],
      );
      await sweepAll(store, { finishedBefore: T0 + 1 });

      store = await reopen(store);
      const [next] = await publishTo(store, webhook);
      const deliveries = await store.listDeliveries({ namespace, limit: 10 });
      assert.deepEqual(
        deliveries.map(({ id }) => id),
        [next!.id],
      );
      const events = await store.listEvents({ namespace, limit: 10 });
      assert.deepEqual(
        events.map(({ id }) => id),
        [next!.eventId],
      );
      await store.close();
    });

    test('a removal that was not swept yet is listed as such, and swept', async () => {
      let store = await harness.open();
      const webhook = await register(store);
      await publishTo(store, webhook, SWEEP_BATCH + 2);
      await store.removeWebhooks([{ id: webhook.id, now: T0 }]);
      const query = { namespace: webhook.namespace, state: 'CANCELLED', limit: 1_000 } as const;
      const before = await store.listDeliveries(query);
      assert.equal(before.length, SWEEP_BATCH + 2);

      store = await reopen(store);
      assert.deepEqual(await store.listDeliveries(query), before);
      await sweepAll(store, { finishedBefore: T0 + 1 });
      assert.deepEqual(await store.listDeliveries(query), []);
      await store.close();
    });
  });
}
