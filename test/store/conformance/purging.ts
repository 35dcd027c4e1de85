import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Attempt, Outcome } from '../../../src/domain/delivery/attempt.ts';
import { SWEEP_BATCH } from '../../../src/store/housekeeping.ts';
import { aDelivery, anAttempt, aPublication, keyOf, T0, testId } from '../../support/store.ts';
import {
  aNamespace,
  forgetVisible,
  type Harness,
  publishTo,
  register,
  settlement,
  sweepAll,
  useStore,
  waitingOf,
} from './harness.ts';

/** What is left of `anAttempt`. */
function erased(number: number): Attempt {
  const { outcome } = anAttempt(number);
  return {
    number,
    requestHeaders: [],
    outcome: { ...outcome, headers: {}, body: new Uint8Array() } as Outcome,
  };
}

export function purging(harness: Harness): void {
  describe(`${harness.name}: erasing the data of events`, () => {
    const store = useStore(harness);

    test('the body, the headers and the extensions of an event are gone, and the rest is kept', async () => {
      const namespace = aNamespace();
      const publication = aPublication([], {
        event: {
          namespace,
          callerId: 'a',
          type: 'order.paid',
          subject: 's',
          headers: { 'x-a': 'b' },
          extensions: { trace: 'x' },
        },
      });
      await store().publish([publication]);
      assert.deepEqual(await store().purgeEvents([{ namespace, id: 'a' }]), [{ cancelled: 0 }]);
      assert.deepEqual(await store().getEventBodies([publication.event.id]), [undefined]);
      const { extensions: _, ...kept } = publication.event;
      const record = {
        ...kept,
        headers: {},
        body: new Uint8Array(),
        purged: true,
        deliveryCount: 0,
      };
      assert.deepEqual(await store().getEvents([{ namespace, id: 'a' }]), [record]);
    });

    test('what waits is marked and polled, and what is finished stays as it is', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const publication = aPublication([webhook.id, webhook.id, webhook.id], { event: { namespace } });
      await store().publish([publication]);
      const [done, ...waiting] = await waitingOf(store(), webhook.id);
      const [other] = await publishTo(store(), webhook);
      await store().settle([settlement(done!)], []);
      await forgetVisible(store());
      const key = { namespace, id: publication.event.id };
      assert.deepEqual(await store().purgeEvents([key]), [{ cancelled: 2 }]);
      const marked = waiting.map((delivery) => ({ ...delivery, ending: 'PURGED' }));
      assert.deepEqual(await waitingOf(store(), webhook.id), [...marked, other]);
      assert.deepEqual((await store().pollWaiting()).deliveries, marked);
      assert.equal((await store().getDelivery(keyOf(done!.id)))?.state, 'SUCCEEDED');
    });

    test('what waits as a replay, or was marked for another reason, is marked too', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const [first] = await publishTo(store(), webhook);
      const delivery = aDelivery(webhook.id);
      await store().replay([{ eventId: first!.eventId, delivery, now: T0 }]);
      await store().cancelDeliveries([{ namespace, id: first!.id, now: T0 }]);
      assert.deepEqual(await store().purgeEvents([{ namespace, id: first!.eventId }]), [{ cancelled: 2 }]);
      assert.deepEqual(
        (await waitingOf(store(), webhook.id)).map(({ ending }) => ending),
        ['PURGED', 'PURGED'],
      );
    });

    test('what was rendered, and what went out and came back in attempts, is gone', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const publication = aPublication([], { event: { namespace } });
      const delivery = aDelivery(webhook.id, { rendered: { headers: { 'x-a': 'b' } } });
      await store().publish([{ ...publication, deliveries: [delivery] }]);
      const [waiting] = await waitingOf(store(), webhook.id);
      const later = { to: 'PENDING', dueAt: T0 } as const;
      await store().settle([settlement(waiting!, later)], []);
      await store().settle([settlement({ ...waiting!, attempts: 1 })], []);
      await store().purgeEvents([{ namespace, id: publication.event.id }]);
      assert.deepEqual(await store().getRendered([delivery.id]), [undefined]);
      assert.deepEqual(await store().getContents([keyOf(delivery.id)]), [undefined]);
      assert.deepEqual((await store().getDelivery(keyOf(delivery.id)))?.attempts, [erased(1), erased(2)]);
    });

    test('an attempt that was in flight is recorded without them, also when its webhook is removed', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const [one, two] = await publishTo(store(), webhook, 2);
      await store().purgeEvents([one!, two!].map(({ eventId }) => ({ namespace, id: eventId })));
      assert.deepEqual(await store().settle([settlement(one!)], []), ['SETTLED']);
      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      assert.deepEqual(await store().settle([settlement(two!)], []), ['GONE']);
      for (const delivery of [one!, two!]) {
        const detail = await store().getDelivery(keyOf(delivery.id));
        assert.equal(detail?.state, 'SUCCEEDED');
        assert.deepEqual(detail.attempts, [erased(1)]);
      }
    });

    test('an attempt that is reported once its delivery has ended is recorded without them', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const [delivery] = await publishTo(store(), webhook);
      await store().purgeEvents([{ namespace, id: delivery!.eventId }]);
      const cancelled = { to: 'CANCELLED', reason: 'PURGED' } as const;
      await store().settle([{ delivery: delivery!, transition: cancelled, now: T0 }], []);
      assert.deepEqual(await store().settle([settlement(delivery!)], []), ['GONE']);
      assert.deepEqual((await store().getDelivery(keyOf(delivery!.id)))?.attempts, [erased(1)]);
    });

    test('what a removed webhook leaves is cancelled already, and neither marked nor polled', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      // More than a removal changes at once.
      const deliveries = await publishTo(store(), webhook, SWEEP_BATCH + 1);
      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      await forgetVisible(store());
      const keys = deliveries.map(({ eventId }) => ({ namespace, id: eventId }));
      const cancelled = await store().purgeEvents(keys);
      assert.ok(cancelled.every((result) => result !== 'GONE' && result.cancelled === 0));
      assert.deepEqual((await store().pollWaiting()).deliveries, []);
      assert.equal((await store().getDelivery(keyOf(deliveries.at(-1)!.id)))?.reason, 'REMOVED');
    });

    test('an event that is unknown, or of another namespace, is gone', async () => {
      const [mine, theirs] = [aNamespace(), aNamespace()];
      const publication = aPublication([], { event: { namespace: theirs, callerId: 'a' } });
      await store().publish([publication]);
      assert.deepEqual(
        await store().purgeEvents([
          { namespace: mine, id: 'a' },
          { namespace: theirs, id: testId('event') },
        ]),
        ['GONE', 'GONE'],
      );
      assert.deepEqual(
        await store()
          .getEventBodies([publication.event.id])
          .then(([body]) => body?.id),
        publication.event.id,
      );
    });

    test('erasing twice is erasing once, and each of a batch stands for itself', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      await publishTo(store(), webhook, 1, { event: { callerId: 'a' } });
      await publishTo(store(), webhook, 1, { event: { callerId: 'b' } });
      const keys = ['a', 'x', 'b'].map((id) => ({ namespace, id }));
      assert.deepEqual(await store().purgeEvents(keys), [{ cancelled: 1 }, 'GONE', { cancelled: 1 }]);
      const cancelled = { to: 'CANCELLED', reason: 'PURGED' } as const;
      for (const delivery of await waitingOf(store(), webhook.id)) {
        await store().settle([{ delivery, transition: cancelled, now: T0 }], []);
      }
      assert.deepEqual(await store().purgeEvents([{ namespace, id: 'a' }]), [{ cancelled: 0 }]);
    });
  });

  describe(`${harness.name}: how long data is kept`, () => {
    const store = useStore(harness);

    async function isKept(eventId: string): Promise<boolean> {
      return (await store().getEventBodies([eventId]))[0] !== undefined;
    }

    test('the data of what was published before the bound is erased once nothing waits for it', async () => {
      const webhook = await register(store());
      const at = (createdAt: number) => ({ event: { createdAt } });
      const [old] = await publishTo(store(), webhook, 1, at(T0 + 1));
      const [waiting] = await publishTo(store(), webhook, 1, at(T0 + 1));
      const [young] = await publishTo(store(), webhook, 1, at(T0 + 2));
      await store().settle([settlement(old!), settlement(young!)], []);
      await sweepAll(store(), { payloadsBefore: T0 + 2 });
      const ids = [old!, waiting!, young!].map(({ eventId }) => eventId);
      assert.deepEqual(await Promise.all(ids.map(isKept)), [false, true, true]);
      assert.equal((await store().getDelivery(keyOf(old!.id)))?.attempts[0]?.requestHeaders.length, 0);
      const [record] = await store().getEvents([{ namespace: webhook.namespace, id: old!.eventId }]);
      assert.equal(record?.purged, true);

      await store().settle([settlement(waiting!)], []);
      await sweepAll(store(), { payloadsBefore: T0 + 2 });
      assert.equal(await isKept(waiting!.eventId), false);
    });

    test('an event of which a replay waits keeps its data', async () => {
      const webhook = await register(store());
      const [first] = await publishTo(store(), webhook);
      await store().settle([settlement(first!)], []);
      await store().replay([{ eventId: first!.eventId, delivery: aDelivery(webhook.id), now: T0 }]);
      await sweepAll(store(), { payloadsBefore: T0 + 1 });
      assert.ok(await isKept(first!.eventId));
    });

    test('many are erased in small batches, and nothing more is left to do after a 0', async () => {
      await sweepAll(store(), { payloadsBefore: T0 + 1 });
      const webhook = await register(store());
      const [waiting] = await publishTo(store(), webhook);
      const batch = Array.from({ length: 1_200 }, () => aPublication([], { event: { createdAt: T0 } }));
      await store().publish(batch);
      const touched = await sweepAll(store(), { payloadsBefore: T0 + 1 });
      assert.ok(
        touched.every((rows) => rows <= SWEEP_BATCH),
        `rows: ${touched}`,
      );
      const bodies = await store().getEventBodies(batch.map(({ event }) => event.id));
      assert.ok(bodies.every((body) => body === undefined));
      assert.ok(await isKept(waiting!.eventId));
      assert.equal(await store().sweep({ now: T0, finishedBefore: 0, payloadsBefore: T0 + 1 }), 0);
    });

    test('what becomes free between batches is erased before a 0', async () => {
      await sweepAll(store(), { payloadsBefore: T0 + 1 });
      const webhook = await register(store());
      const [waiting] = await publishTo(store(), webhook);
      const batch = Array.from({ length: 2 * SWEEP_BATCH }, () =>
        aPublication([], { event: { createdAt: T0 } }),
      );
      await store().publish(batch);
      const query = { now: T0, finishedBefore: 0, payloadsBefore: T0 + 1 };
      assert.ok((await store().sweep(query)) > 0);
      await store().settle([settlement(waiting!)], []);
      await sweepAll(store(), query);
      assert.equal(await isKept(waiting!.eventId), false);
    });

    test('the batches are small also when much was made of each event', async () => {
      await sweepAll(store(), { payloadsBefore: T0 + 1 });
      const namespace = aNamespace();
      const webhooks = await Promise.all(
        Array.from({ length: SWEEP_BATCH / 2 }, () => register(store(), { namespace })),
      );
      const ids = webhooks.map(({ id }) => id);
      const batch = Array.from({ length: 6 }, () => aPublication(ids, { event: { createdAt: T0 } }));
      await store().publish(batch);
      for (const { id } of webhooks) {
        const waiting = await waitingOf(store(), id);
        await store().settle(
          waiting.map((delivery) => settlement(delivery)),
          [],
        );
      }
      const touched = await sweepAll(store(), { payloadsBefore: T0 + 1 });
      // No more events in one than whose deliveries make a batch.
      assert.deepEqual(
        touched.filter((rows) => rows > 2),
        [],
      );
      for (const { event } of batch) assert.equal(await isKept(event.id), false);
    });
  });
}
