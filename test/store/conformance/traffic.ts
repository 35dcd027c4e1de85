import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attempt } from '../../../src/domain/delivery/attempt.ts';
import type { WaitingDelivery } from '../../../src/domain/delivery/delivery.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { Store } from '../../../src/store/store.ts';
import { anAttempt, T0 } from '../../support/store.ts';
import { aNamespace, type Harness, publishTo, register, sweepAll, useStore } from './harness.ts';

const DAY_MS = 86_400_000;

/** How it goes with the deliveries of webhooks. */
export function traffic(harness: Harness): void {
  const { open, reopen } = harness;

  const attemptAt = (at: number, number: number, status: number): Attempt => {
    const attempt = anAttempt(number, status);
    return { ...attempt, outcome: { ...attempt.outcome, startedAt: at } };
  };
  const settle = (store: Store, delivery: WaitingDelivery, at: number, status: number, dueAt?: number) =>
    store.settle(
      [
        {
          delivery,
          attempt: attemptAt(at, delivery.attempts + 1, status),
          transition: dueAt === undefined ? { to: 'SUCCEEDED' } : { to: 'PENDING', dueAt },
          now: at,
        },
      ],
      [],
    );
  const trafficOf = async (store: Store, { id }: Webhook) => (await store.getTraffic([id]))[0];

  describe(`${harness.name}: how it goes with the deliveries of webhooks`, () => {
    const store = useStore(harness);

    test('is what waits and the last attempt of each, in the order that was asked for', async () => {
      const namespace = aNamespace();
      const idle = await register(store(), { namespace });
      const busy = await register(store(), { namespace });
      const other = await register(store(), { namespace });
      const [first, second] = await publishTo(store(), busy, 3);
      const [of] = await publishTo(store(), other);
      await settle(store(), first!, T0 + 1, 200);
      await settle(store(), second!, T0 + 2, 503, T0 + 60_000);
      await settle(store(), of!, T0 + 3, 204);
      assert.deepEqual(await store().getTraffic([busy.id, 'wh_none', idle.id, other.id]), [
        { waiting: 2, lastAttempt: { at: T0 + 2, status: 503, deliveryId: second!.id } },
        null,
        { waiting: 0 },
        { waiting: 0, lastAttempt: { at: T0 + 3, status: 204, deliveryId: of!.id } },
      ]);
    });

    test('stays with its own delivery when an attempt is reported once more, after those of others', async () => {
      const webhook = await register(store());
      const other = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      const [of] = await publishTo(store(), other);
      await settle(store(), delivery!, T0 + 1, 200);
      await settle(store(), of!, T0 + 2, 200);
      assert.deepEqual(await settle(store(), delivery!, T0 + 1, 200), ['GONE']);
      assert.equal((await trafficOf(store(), webhook))?.lastAttempt?.deliveryId, delivery!.id);
    });

    test('has status 0 for an attempt that was not answered, also after one that was', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      await settle(store(), delivery!, T0, 503, T0);
      const attempt: Attempt = {
        ...attemptAt(T0, 2, 0),
        outcome: {
          kind: 'failed',
          errorClass: 'CONNECT',
          message: 'a|b|200',
          startedAt: T0 + 9,
          durationMs: 1,
          timing: {},
        },
      };
      const again = { ...delivery!, attempts: 1 };
      await store().settle(
        [{ delivery: again, attempt, transition: { to: 'PENDING', dueAt: T0 }, now: T0 }],
        [],
      );
      assert.deepEqual((await trafficOf(store(), webhook))?.lastAttempt, {
        at: T0 + 9,
        status: 0,
        deliveryId: delivery!.id,
      });
    });

    test('goes on without the delivery when that is no longer kept', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      await settle(store(), delivery!, T0, 200);
      await sweepAll(store(), { now: T0 + 2 * DAY_MS, finishedBefore: T0 + DAY_MS });
      assert.deepEqual(await trafficOf(store(), webhook), {
        waiting: 0,
        lastAttempt: { at: T0, status: 200 },
      });
    });

    test('ends with the webhook', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      await settle(store(), delivery!, T0, 200);
      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      assert.equal(await trafficOf(store(), webhook), null);
      await sweepAll(store(), { now: T0 + 9 * DAY_MS, finishedBefore: T0 + 9 * DAY_MS });
      assert.equal(await trafficOf(store(), webhook), null);
    });
  });

  if (reopen === undefined) return;
  describe(`${harness.name}: how it goes with webhooks, after a start`, () => {
    test('is what it was, though thousands of attempts were made since those of one', async () => {
      let store = await open();
      const quiet = await register(store);
      const [delivery] = await publishTo(store, quiet);
      await settle(store, delivery!, T0, 201);
      const busy = await register(store);
      const [retried] = await publishTo(store, busy);
      const many = 5_500;
      for (let i = 0; i < many; i += 500) {
        const batch = Array.from({ length: 500 }, (_, j) => ({
          delivery: { ...retried!, attempts: i + j },
          attempt: attemptAt(T0 + i + j, i + j + 1, 500),
          transition: { to: 'PENDING', dueAt: T0 } as const,
          now: T0,
        }));
        await store.settle(batch, []);
      }
      const expected = [
        { waiting: 0, lastAttempt: { at: T0, status: 201, deliveryId: delivery!.id } },
        { waiting: 1, lastAttempt: { at: T0 + many - 1, status: 500, deliveryId: retried!.id } },
      ];
      assert.deepEqual(await store.getTraffic([quiet.id, busy.id]), expected);
      store = await reopen(store);
      assert.deepEqual(await store.getTraffic([quiet.id, busy.id]), expected);
      await store.close();
    });

    test('is what it was, though the delivery of the last attempt is no longer kept', async () => {
      let store = await open();
      const webhook = await register(store);
      const [delivery] = await publishTo(store, webhook);
      await settle(store, delivery!, T0, 201);
      await sweepAll(store, { now: T0 + 2 * DAY_MS, finishedBefore: T0 + DAY_MS });
      store = await reopen(store);
      assert.deepEqual(await trafficOf(store, webhook), { waiting: 0, lastAttempt: { at: T0, status: 201 } });
      await store.close();
    });
  });
}
