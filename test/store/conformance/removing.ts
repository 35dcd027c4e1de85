import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SWEEP_BATCH } from '../../../src/store/housekeeping.ts';
import { anAttempt, aPublication, aRun, aWebhook, keyOf, T0, testId } from '../../support/store.ts';
import { type Harness, publishTo, register, settlement, sweepAll, useStore, waitingOf } from './harness.ts';

const NOW = T0 + 500;
const NOTHING_EXPIRED = { now: NOW + 1, finishedBefore: 0, payloadsBefore: 0 };

export function removing(harness: Harness): void {
  describe(`${harness.name}: removing webhooks`, () => {
    const store = useStore(harness);

    test('a removed webhook is gone from every read, and its key is free', async () => {
      const webhook = await register(store());
      await publishTo(store(), webhook, SWEEP_BATCH + 1);
      assert.deepEqual(await store().removeWebhooks([{ id: webhook.id, now: NOW }]), ['REMOVED']);

      const { id, namespace, spec } = webhook;
      assert.deepEqual(await store().getWebhooks([id]), [undefined]);
      assert.deepEqual(await store().listWebhooks({ namespace, limit: 10 }), []);
      const key = { namespace, name: spec.name, destination: spec.destination };
      assert.equal(await store().findWebhook(key), undefined);
      const runs = await store().upcomingRuns({ before: Number.MAX_SAFE_INTEGER, limit: 1000 });
      assert.ok(!runs.some(({ webhookId }) => webhookId === id));
      const lanes = await store().waitingLanes({ limit: 1000 });
      assert.ok(!lanes.some(({ webhookId }) => webhookId === id));
      const none = { webhookId: id, deliveries: [], more: null };
      assert.deepEqual(await store().topUp([{ webhookId: id, limit: 10, ordered: false }]), [none]);
      const heir = aWebhook({ namespace, spec });
      assert.deepEqual(await store().createWebhooks([heir]), ['CREATED']);
      assert.deepEqual(await store().findWebhook(key), heir);
    });

    test('what waited reads as cancelled at once, whether or not its row was moved', async () => {
      const webhook = await register(store());
      const waiting = await publishTo(store(), webhook, SWEEP_BATCH + 3);
      await store().removeWebhooks([{ id: webhook.id, now: NOW }]);

      const query = { namespace: webhook.namespace, limit: 10_000 };
      const all = await store().listDeliveries(query);
      assert.deepEqual(
        all.map(({ id }) => id),
        waiting.map(({ id }) => id).toReversed(),
      );
      for (const delivery of all) {
        assert.deepEqual(
          { ...delivery, id: '', eventId: '' },
          {
            id: '',
            namespace: webhook.namespace,
            webhookId: webhook.id,
            eventId: '',
            eventType: 'carillon.run',
            state: 'CANCELLED',
            reason: 'REMOVED',
            attemptCount: 0,
            createdAt: T0,
            finishedAt: NOW,
          },
        );
      }
      assert.deepEqual(await store().listDeliveries({ ...query, state: 'PENDING' }), []);
      assert.deepEqual(await store().listDeliveries({ ...query, state: 'CANCELLED' }), all);
      assert.deepEqual(
        await store().listDeliveries({ ...query, state: 'CANCELLED', webhookId: webhook.id }),
        all,
      );
      assert.deepEqual(await store().getDelivery(keyOf(all[0]!.id)), { ...all[0], attempts: [] });
    });

    test('a sweep goes on where the removal stopped, and changes nothing that can be read', async () => {
      await sweepAll(store(), NOTHING_EXPIRED);
      const webhook = await register(store());
      await publishTo(store(), webhook, 2 * SWEEP_BATCH + 3);
      await store().removeWebhooks([{ id: webhook.id, now: NOW }]);
      const query = { namespace: webhook.namespace, limit: 10_000 };
      const before = await store().listDeliveries(query);

      const touched = await sweepAll(store(), NOTHING_EXPIRED);
      assert.ok(touched.length > 1 && touched.every((rows) => rows <= SWEEP_BATCH), `rows: ${touched}`);
      assert.deepEqual(await store().listDeliveries(query), before);
      assert.deepEqual(await waitingOf(store(), webhook.id), []);
    });

    test('a removal with another version is stale, and removes nothing', async () => {
      const webhook = await register(store(), { version: 3 });
      const { id } = webhook;
      assert.deepEqual(await store().removeWebhooks([{ id, now: NOW, ifVersion: 2 }]), ['STALE']);
      assert.deepEqual(await store().getWebhooks([id]), [webhook]);
      assert.deepEqual(await store().removeWebhooks([{ id, now: NOW, ifVersion: 3 }]), ['REMOVED']);
    });

    test('an unknown webhook, and one removed before, is not found', async () => {
      const { id } = await register(store());
      const removal = { id, now: NOW };
      const unknown = { id: testId('webhook'), now: NOW };
      assert.deepEqual(await store().removeWebhooks([unknown, removal, removal]), [
        'NOT_FOUND',
        'REMOVED',
        'NOT_FOUND',
      ]);
    });

    test('a removed webhook can be neither updated nor fired', async () => {
      const webhook = await register(store());
      await publishTo(store(), webhook, SWEEP_BATCH + 1);
      await store().removeWebhooks([{ id: webhook.id, now: NOW }]);
      const update = { webhook: { ...webhook, version: 2 }, ifVersion: 1 };
      assert.deepEqual(await store().updateWebhooks([update]), ['NOT_FOUND']);
      assert.deepEqual(await store().fireRuns([aRun(webhook)]), ['STALE']);
    });

    for (const [when, waiting] of [
      ['was moved', 1],
      ['still waits to be moved', SWEEP_BATCH + 1],
    ] as const) {
      test(`an attempt in flight during the removal is recorded, and counts if it succeeds, when the row ${when}`, async () => {
        const webhook = await register(store());
        const last = (await publishTo(store(), webhook, waiting)).at(-1)!;
        await store().removeWebhooks([{ id: webhook.id, now: NOW }]);
        assert.deepEqual(await store().settle([settlement(last, { to: 'SUCCEEDED' }, NOW + 1)], []), [
          'GONE',
        ]);
        const expected = {
          id: last.id,
          namespace: webhook.namespace,
          webhookId: webhook.id,
          eventId: last.eventId,
          eventType: 'carillon.run',
          state: 'SUCCEEDED',
          attemptCount: 1,
          createdAt: T0,
          finishedAt: NOW + 1,
          lastStatus: 200,
          attempts: [anAttempt(1)],
        };
        assert.deepEqual(await store().getDelivery(keyOf(last.id)), expected);
        await sweepAll(store(), NOTHING_EXPIRED);
        assert.deepEqual(await store().getDelivery(keyOf(last.id)), expected);
      });
    }

    test('an event published to two webhooks goes without one that was removed meanwhile', async () => {
      const webhook = await register(store());
      const alive = await register(store(), { namespace: webhook.namespace });
      await store().removeWebhooks([{ id: webhook.id, now: NOW }]);
      const publication = aPublication([webhook.id, alive.id], { event: { namespace: webhook.namespace } });
      assert.deepEqual(await store().publish([publication]), [{ kind: 'PUBLISHED', deliveries: 1 }]);
      const deliveries = await store().listDeliveries({ namespace: webhook.namespace, limit: 10 });
      assert.deepEqual(
        deliveries.map(({ webhookId, state, reason }) => [webhookId, state, reason]),
        [[alive.id, 'PENDING', undefined]],
      );
      const { deliveries: polled } = await store().pollWaiting();
      assert.deepEqual(
        polled.filter(({ eventId }) => eventId === publication.event.id).map(({ webhookId }) => webhookId),
        [alive.id],
      );
    });
  });
}
