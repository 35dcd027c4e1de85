import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeliveryState, Transition } from '../../../src/domain/delivery/delivery.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { DeliveryQuery } from '../../../src/store/delivery-log.ts';
import { aPublication, keyOf, T0, testId } from '../../support/store.ts';
import { aNamespace, everyPage, type Harness, publishTo, register, settlement, useStore } from './harness.ts';

const OUTCOMES: readonly Transition[] = [
  { to: 'PENDING', dueAt: T0 },
  { to: 'SUCCEEDED' },
  { to: 'FAILED', reason: 'EXHAUSTED' },
  { to: 'CANCELLED', reason: 'SUPERSEDED' },
];

export function log(harness: Harness): void {
  describe(`${harness.name}: listing deliveries`, () => {
    const store = useStore(harness);

    async function idsOf(query: Omit<DeliveryQuery, 'limit'> & { limit?: number }): Promise<string[]> {
      return (await store().listDeliveries({ limit: 1000, ...query })).map(({ id }) => id);
    }

    /** Publishes `count` deliveries, which end in each way in turn; returns them by id descending. */
    async function mixed(webhook: Webhook, count: number): Promise<{ id: string; state: DeliveryState }[]> {
      const waiting = await publishTo(store(), webhook, count);
      const batch = waiting.map((delivery, i) => settlement(delivery, OUTCOMES[i % OUTCOMES.length]!));
      await store().settle(batch, []);
      return batch.map(({ delivery, transition }) => ({ id: delivery.id, state: transition.to })).reverse();
    }

    test('deliveries come newest first, whether they wait or are finished', async () => {
      const webhook = await register(store());
      const expected = await mixed(webhook, 9);
      const found = await store().listDeliveries({ namespace: webhook.namespace, limit: 100 });
      assert.deepEqual(
        found.map(({ id, state }) => ({ id, state })),
        expected,
      );
    });

    test('pages of any size follow each other without gap or repetition', async () => {
      const webhook = await register(store());
      const expected = (await mixed(webhook, 9)).map(({ id }) => id);
      for (const limit of [1, 2, 4, 9]) {
        const pages = await everyPage<string>((before) =>
          idsOf({ namespace: webhook.namespace, limit, ...(before && { before }) }),
        );
        assert.ok(pages.every((page) => page.length <= limit));
        assert.deepEqual(pages.flat(), expected, `limit ${limit}`);
      }
    });

    test('deliveries of one webhook are listed alone, and only in its namespace', async () => {
      const one = await register(store());
      const two = await register(store(), { namespace: one.namespace });
      const expected = (await mixed(one, 4)).map(({ id }) => id);
      await mixed(two, 4);
      assert.deepEqual(await idsOf({ namespace: one.namespace, webhookId: one.id }), expected);
      assert.deepEqual(await idsOf({ namespace: aNamespace(), webhookId: one.id }), []);
      const [, second, third] = expected;
      assert.deepEqual(
        await idsOf({ namespace: one.namespace, webhookId: one.id, before: second!, limit: 1 }),
        [third],
      );
    });

    test('deliveries of another namespace are not listed', async () => {
      const mine = await register(store());
      const theirs = await register(store());
      await mixed(theirs, 4);
      assert.deepEqual(await idsOf({ namespace: mine.namespace }), []);
    });

    for (const { to: state } of OUTCOMES) {
      test(`deliveries that are ${state} are listed alone, of all webhooks or of one`, async () => {
        const one = await register(store());
        const two = await register(store(), { namespace: one.namespace });
        const of = (all: { id: string; state: DeliveryState }[]) =>
          all.filter((delivery) => delivery.state === state).map(({ id }) => id);
        const first = of(await mixed(one, 8));
        const second = of(await mixed(two, 8));
        const { namespace } = one;
        assert.deepEqual(await idsOf({ namespace, state }), [...second, ...first]);
        assert.deepEqual(await idsOf({ namespace, state, webhookId: one.id }), first);
        assert.deepEqual(await idsOf({ namespace, state, limit: 1, before: second.at(-1)! }), [first[0]]);
      });
    }

    test('many finished deliveries are listed like few', async () => {
      // More than an adapter holds back before it indexes them.
      const count = 2_500;
      const one = await register(store());
      const two = await register(store(), { namespace: one.namespace });
      const pairs = Array.from({ length: count }, () =>
        aPublication([one.id, two.id], { event: { namespace: one.namespace } }),
      );
      await store().publish(pairs);
      for (const webhookId of [one.id, two.id]) {
        const [lane] = await store().topUp([{ webhookId, limit: count, ordered: true }]);
        const batch = (lane?.deliveries ?? []).map((delivery, i) =>
          settlement(delivery, OUTCOMES[1 + (i % 3)]),
        );
        await store().settle(batch, []);
      }
      const expected = pairs.flatMap(({ deliveries }) => deliveries.map(({ id }) => id)).reverse();
      const query = { namespace: one.namespace, limit: 2 * count };
      assert.deepEqual(await idsOf(query), expected);
      const failed = await store().listDeliveries({ ...query, webhookId: two.id, state: 'FAILED' });
      assert.equal(failed.length, 833);
      assert.equal((await store().getDelivery(keyOf(expected.at(-1)!)))?.attempts.length, 1);
    });

    test('an unknown delivery is not found', async () => {
      assert.equal(await store().getDelivery(keyOf(testId('delivery'))), undefined);
    });

    test('the nominal time of a run is kept when it is finished', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook, 1, { event: { nominalAt: T0 + 5 }, run: true });
      assert.equal((await store().getDelivery(keyOf(delivery!.id)))?.nominalAt, T0 + 5);
      await store().settle([settlement(delivery!)], []);
      assert.equal((await store().getDelivery(keyOf(delivery!.id)))?.nominalAt, T0 + 5);
    });
  });
}
