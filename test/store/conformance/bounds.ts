import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PublishResult } from '../../../src/store/intake.ts';
import type { Store } from '../../../src/store/store.ts';
import { aDelivery, aPublication, aRun, aWebhook, T0 } from '../../support/store.ts';
import { type Bounds, type Harness, publishTo, register, settlement, waitingOf } from './harness.ts';

const FULL: PublishResult = { kind: 'FULL' };

function published(deliveries: number): PublishResult {
  return { kind: 'PUBLISHED', deliveries };
}

export function bounds(harness: Harness): void {
  describe(`${harness.name}: how many deliveries may wait`, () => {
    /** A store in which three may wait. */
    async function small(bounds: Bounds = { waitingMax: 3 }): Promise<Store & AsyncDisposable> {
      const store = await harness.open(bounds);
      return { ...store, [Symbol.asyncDispose]: () => store.close() };
    }

    test('as many as the bound of all are published, and not one more', async () => {
      await using store = await small();
      const { id, namespace } = await register(store);
      const one = () => aPublication([id], { event: { namespace } });
      const two = aPublication([id, id], { event: { namespace } });
      assert.deepEqual(await store.publish([one(), one(), two, one(), one()]), [
        published(1),
        published(1),
        FULL,
        published(1),
        FULL,
      ]);
      assert.equal((await waitingOf(store, id)).length, 3);
    });

    test('a publication that is refused leaves nothing behind', async () => {
      await using store = await small();
      const { id, namespace } = await register(store);
      const remember = { digest: 'd', until: T0 + 1 };
      const many = aPublication([id, id, id, id], { event: { namespace, callerId: 'a' }, remember });
      assert.deepEqual(await store.publish([many]), [FULL]);
      assert.deepEqual(await store.getEvents([{ namespace, id: 'a' }]), [undefined]);
      assert.deepEqual(await store.getEventBodies([many.event.id]), [undefined]);
      assert.deepEqual(await waitingOf(store, id), []);
      const fewer = { ...many, deliveries: [aDelivery(id)] };
      assert.deepEqual(await store.publish([fewer]), [published(1)]);
    });

    test('a namespace that is full takes more, and others do', async () => {
      await using store = await small({ namespaceWaitingMax: 1, waitingMax: 4 });
      const [mine, theirs] = [await register(store), await register(store)];
      await publishTo(store, mine, 3);
      const other = () => aPublication([theirs.id], { event: { namespace: theirs.namespace } });
      assert.deepEqual(await store.publish([other(), other()]), [published(1), FULL]);
    });

    test('a replay is refused when there is no room for its webhook', async () => {
      await using store = await small({});
      const webhook = await register(store, { spec: { limits: { waitingMax: 2 } } });
      const event = aPublication([], { event: { namespace: webhook.namespace } });
      await store.publish([event]);
      await publishTo(store, webhook, 1);
      const replay = () => ({ eventId: event.event.id, delivery: aDelivery(webhook.id), now: T0 });
      assert.deepEqual(await store.replay([replay(), replay()]), ['REPLAYED', 'FULL']);
    });

    test('a lane that is longer than its webhook allows overflows, until it is not', async () => {
      await using store = await small({});
      const webhook = await register(store, { spec: { limits: { waitingMax: 2 } } });
      await register(store);
      await publishTo(store, webhook, 2);
      assert.deepEqual(await store.overflowing(10), []);
      const [one] = await publishTo(store, webhook, 3);
      const full = { webhookId: webhook.id, excess: 3, bound: 2, of: 'WEBHOOK' } as const;
      assert.deepEqual(await store.overflowing(10), [full]);
      await store.settle([settlement(one!)], []);
      assert.deepEqual(await store.overflowing(10), [{ ...full, excess: 2 }]);
      const found = await store.getWebhooks([webhook.id]);
      const spec = { ...webhook.spec, limits: { waitingMax: 4 } };
      await store.updateWebhooks([{ webhook: { ...found[0]!, spec, version: 2 }, ifVersion: 1 }]);
      assert.deepEqual(await store.overflowing(10), []);
      const less = { ...webhook.spec, limits: { waitingMax: 1 } };
      await store.updateWebhooks([{ webhook: { ...found[0]!, spec: less, version: 3 }, ifVersion: 2 }]);
      assert.deepEqual(await store.overflowing(10), [{ ...full, excess: 3, bound: 1 }]);
      await store.removeWebhooks([{ id: webhook.id, now: T0 }]);
      assert.deepEqual(await store.overflowing(10), []);
    });

    test('of a namespace that is full the longest lane overflows', async () => {
      await using store = await small({ namespaceWaitingMax: 10 });
      const dead = await register(store);
      const healthy = await register(store, { namespace: dead.namespace });
      await publishTo(store, healthy, 2);
      await publishTo(store, dead, 11);
      assert.deepEqual(await store.overflowing(10), [
        { webhookId: dead.id, excess: 3, bound: 10, of: 'NAMESPACE' },
      ]);
    });

    for (const overflow of ['DROP_OLDEST', 'DROP_NEWEST'] as const) {
      test(`what is given up first is what its webhook says: ${overflow}`, async () => {
        await using store = await small({});
        const webhook = await register(store, { spec: { limits: { waitingMax: 1, overflow } } });
        const waiting = await publishTo(store, webhook, 5);
        const order = overflow === 'DROP_OLDEST' ? waiting : waiting.toReversed();
        const [, second] = order;
        await store.cancelDeliveries([{ namespace: webhook.namespace, id: second!.id, now: T0 }]);
        const [found] = await store.surplus([{ webhookId: webhook.id, limit: 3 }]);
        assert.deepEqual(
          found?.map(({ delivery }) => delivery),
          [order[0], order[2], order[3]],
        );
        assert.deepEqual(
          found?.map(({ publicEventId }) => publicEventId),
          found?.map(({ delivery }) => delivery.eventId),
        );
      });
    }

    test('an event that nobody waits for is published however full it is', async () => {
      await using store = await small();
      const webhook = await register(store);
      await publishTo(store, webhook, 3);
      const { id } = aWebhook();
      assert.deepEqual(await store.publish([aPublication([]), aPublication([id])]), [
        published(0),
        published(0),
      ]);
    });

    test('what is known already is known however full it is', async () => {
      await using store = await small();
      const { id, namespace } = await register(store);
      const remember = { digest: 'd', until: T0 + 1 };
      const three = aPublication([id, id, id], { event: { namespace, callerId: 'a' }, remember });
      await store.publish([three]);
      const again = aPublication([id], { event: { namespace, callerId: 'a' }, remember });
      assert.equal((await store.publish([again]))[0]?.kind, 'DUPLICATE');
    });

    test('runs and triggers are let in when events are not', async () => {
      await using store = await small();
      const webhook = await register(store);
      await publishTo(store, webhook, 3);
      const trigger = aPublication([webhook.id], { event: { namespace: webhook.namespace }, run: true });
      assert.deepEqual(await store.publish([trigger]), [published(1)]);
      assert.deepEqual(await store.fireRuns([aRun(webhook)]), ['FIRED']);
      assert.equal((await waitingOf(store, webhook.id)).length, 5);
    });

    test('what is settled, and not what is put off, makes room', async () => {
      await using store = await small();
      const webhook = await register(store);
      const [one, two, three] = await publishTo(store, webhook, 3);
      const next = () => aPublication([webhook.id], { event: { namespace: webhook.namespace } });
      await store.settle([settlement(one!, { to: 'PENDING', dueAt: T0 })], []);
      assert.deepEqual(await store.publish([next()]), [FULL]);
      await store.settle([settlement(two!), settlement(three!, { to: 'FAILED', reason: 'GONE' })], []);
      await store.settle([settlement(two!)], []);
      assert.deepEqual(await store.publish([next(), next(), next()]), [published(1), published(1), FULL]);
    });

    test('a removed webhook makes room', async () => {
      await using store = await small();
      const webhook = await register(store);
      const heir = await register(store, { namespace: webhook.namespace });
      await publishTo(store, webhook, 3);
      await store.removeWebhooks([{ id: webhook.id, now: T0 }]);
      assert.equal((await publishTo(store, heir, 3)).length, 3);
    });

    test('a replay is refused when there is no room, in the namespace or in all', async () => {
      await using store = await small({ namespaceWaitingMax: 3, waitingMax: 4 });
      const [mine, theirs] = [await register(store), await register(store)];
      const event = aPublication([], { event: { namespace: mine.namespace } });
      await store.publish([event]);
      await publishTo(store, mine, 2);
      const replay = () => ({ eventId: event.event.id, delivery: aDelivery(mine.id), now: T0 });
      assert.deepEqual(await store.replay([replay(), replay()]), ['REPLAYED', 'FULL']);
      await publishTo(store, theirs, 1);
      const [first] = await waitingOf(store, mine.id);
      await store.settle([settlement(first!)], []);
      assert.equal((await publishTo(store, theirs, 1)).length, 1);
      assert.deepEqual(await store.replay([replay()]), ['FULL']);
    });

    test('deliveries that are tried again count, but are not refused', async () => {
      await using store = await small();
      const webhook = await register(store);
      const { namespace } = webhook;
      const [failed] = await publishTo(store, webhook, 1);
      await store.settle([settlement(failed!, { to: 'FAILED', reason: 'EXHAUSTED' })], []);
      await publishTo(store, webhook, 2);
      await store.retryDeliveries([{ namespace, id: failed!.id, now: T0 }]);
      assert.deepEqual(await store.publish([aPublication([webhook.id], { event: { namespace } })]), [FULL]);
    });

    test('one that does not wait is not tried again into a full lane, nor a full namespace, and one that waits is', async () => {
      await using store = await small({ namespaceWaitingMax: 3, waitingMax: 100 });
      const webhook = await register(store, { spec: { limits: { waitingMax: 1 } } });
      const { namespace } = webhook;
      const [failed] = await publishTo(store, webhook, 1);
      await store.settle([settlement(failed!, { to: 'FAILED', reason: 'OVERFLOW' })], []);
      const [waiting] = await publishTo(store, webhook, 1);
      const retry = (id: string) => store.retryDeliveries([{ namespace, id, now: T0 }]);
      assert.deepEqual(await retry(failed!.id), ['FULL']);
      assert.deepEqual(await retry(waiting!.id), ['RETRIED']);
      await store.settle([settlement(waiting!)], []);
      const other = await register(store, { namespace });
      await publishTo(store, other, 3);
      assert.deepEqual(await retry(failed!.id), ['FULL'], 'of another webhook, in its namespace');
      const [first] = await waitingOf(store, other.id);
      await store.settle([settlement(first!)], []);
      assert.deepEqual(await retry(failed!.id), ['RETRIED']);
      assert.deepEqual(await store.overflowing(10), []);
    });

    const { reopen } = harness;
    if (reopen) {
      test('what waited before counts when the store is opened again', async () => {
        let store = await harness.open();
        const webhook = await register(store);
        const [first] = await publishTo(store, webhook, 3);
        await store.settle([settlement(first!)], []);
        store = await reopen(store, { waitingMax: 3 });
        const next = () => aPublication([webhook.id], { event: { namespace: webhook.namespace } });
        assert.deepEqual(await store.publish([next(), next()]), [published(1), FULL]);
        await store.close();
      });

      test('what was too much before overflows when the store is opened again', async () => {
        let store = await harness.open();
        const webhook = await register(store, { spec: { limits: { waitingMax: 2 } } });
        await publishTo(store, webhook, 5);
        store = await reopen(store);
        assert.deepEqual(await store.overflowing(10), [
          { webhookId: webhook.id, excess: 3, bound: 2, of: 'WEBHOOK' },
        ]);
        await store.close();
      });
    }
  });
}
