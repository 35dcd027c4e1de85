import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { EventBody } from '../../../src/domain/event/event.ts';
import { aDelivery, anAttempt, anEvent, aPublication, keyOf, T0, testId } from '../../support/store.ts';
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

export function replaying(harness: Harness): void {
  describe(`${harness.name}: replaying events`, () => {
    const store = useStore(harness);

    test('a replay is a delivery of its own, due now, which points to the one that it repeats', async () => {
      const webhook = await register(store());
      const [first] = await publishTo(store(), webhook, 1, { event: { callerId: 'a', type: 'order.paid' } });
      await store().settle([settlement(first!)], []);
      const delivery = aDelivery(webhook.id, { format: 'ENVELOPE' });
      const replay = { eventId: first!.eventId, delivery, replayOf: first!.id, now: T0 + 5 };
      assert.deepEqual(await store().replay([replay]), ['REPLAYED']);
      assert.deepEqual(await store().getDelivery(keyOf(delivery.id)), {
        id: delivery.id,
        namespace: webhook.namespace,
        webhookId: webhook.id,
        webhookName: webhook.spec.name,
        eventId: 'a',
        eventType: 'order.paid',
        state: 'PENDING',
        attemptCount: 0,
        dueAt: T0 + 5,
        createdAt: T0 + 5,
        replayOf: first!.id,
        attempts: [],
      });
      assert.equal((await store().getDelivery(keyOf(first!.id)))?.state, 'SUCCEEDED');
      const [event] = await store().getEvents([{ namespace: webhook.namespace, id: 'a' }]);
      assert.equal(event?.deliveryCount, 2);
    });

    test('one that may have been made before is made once', async () => {
      const webhook = await register(store());
      const [first] = await publishTo(store(), webhook, 1, { event: { callerId: 'a' } });
      await store().settle([settlement(first!)], []);
      await forgetVisible(store());
      const replay = { eventId: first!.eventId, delivery: aDelivery(webhook.id), now: T0 + 5, again: true };
      const other = { ...replay, delivery: aDelivery(webhook.id) };
      assert.deepEqual(await store().replay([replay]), ['REPLAYED']);
      assert.deepEqual(await store().replay([replay, other]), ['REPLAYED', 'REPLAYED']);
      const { deliveries } = await store().pollWaiting();
      assert.deepEqual(
        deliveries.map(({ id }) => id),
        [replay.delivery.id, other.delivery.id],
      );
      assert.equal((await waitingOf(store(), webhook.id)).length, 2);
      const [event] = await store().getEvents([{ namespace: webhook.namespace, id: 'a' }]);
      assert.equal(event?.deliveryCount, 3);
    });

    test('a replay is polled and topped up like any delivery', async () => {
      const webhook = await register(store());
      const [first] = await publishTo(store(), webhook);
      await store().settle([settlement(first!)], []);
      await forgetVisible(store());
      const rendered = { headers: { 'x-a': 'b' } };
      const delivery = aDelivery(webhook.id, { rendered });
      await store().replay([{ eventId: first!.eventId, delivery, now: T0 + 5 }]);
      const { deliveries } = await store().pollWaiting();
      assert.deepEqual(deliveries, await waitingOf(store(), webhook.id));
      assert.deepEqual(
        { ...deliveries[0], ord: 0 },
        {
          ord: 0,
          id: delivery.id,
          webhookId: webhook.id,
          eventId: first!.eventId,
          dueAt: T0 + 5,
          firstDueAt: T0 + 5,
          attempts: 0,
          attemptsBefore: 0,
          format: 'BODY',
          rendered: true,
        },
      );
      assert.deepEqual(await store().getRendered([delivery.id]), [rendered]);
      assert.equal((await store().getDelivery(keyOf(delivery.id)))?.replayOf, undefined);
    });

    test('a replay that waits names the delivery that it repeats, polled and topped up', async () => {
      const webhook = await register(store());
      const [first] = await publishTo(store(), webhook);
      await store().settle([settlement(first!)], []);
      await forgetVisible(store());
      const replay = {
        eventId: first!.eventId,
        delivery: aDelivery(webhook.id),
        replayOf: first!.id,
        now: T0,
      };
      await store().replay([replay]);
      const { deliveries } = await store().pollWaiting();
      assert.deepEqual(
        [deliveries[0]?.replayOf, (await waitingOf(store(), webhook.id))[0]?.replayOf],
        [first!.id, first!.id],
      );
    });

    test('a replay can go to a webhook that the event never went to', async () => {
      const webhook = await register(store());
      const publication = aPublication([], { event: { namespace: webhook.namespace } });
      await store().publish([publication]);
      const replay = { eventId: publication.event.id, delivery: aDelivery(webhook.id), now: T0 };
      assert.deepEqual(await store().replay([replay]), ['REPLAYED']);
      const [waiting] = await waitingOf(store(), webhook.id);
      assert.equal(waiting?.eventId, publication.event.id);
    });

    test('each of a batch stands for itself, and what cannot be done is gone', async () => {
      const webhook = await register(store());
      const [removed, stranger] = [await register(store()), testId('webhook')];
      await store().removeWebhooks([{ id: removed.id, now: T0 }]);
      const { namespace } = webhook;
      const [kept, purged] = ['kept', 'purged'].map((callerId) =>
        aPublication([], { event: { namespace, callerId } }),
      );
      await store().publish([kept!, purged!]);
      await store().purgeEvents([{ namespace, id: 'purged' }]);
      const replay = (eventId: string, webhookId: string) => ({
        eventId,
        delivery: aDelivery(webhookId),
        now: T0,
      });
      const batch = [
        replay(testId('event'), webhook.id),
        replay(purged!.event.id, webhook.id),
        replay(kept!.event.id, removed.id),
        replay(kept!.event.id, stranger),
        replay(kept!.event.id, webhook.id),
      ];
      assert.deepEqual(await store().replay(batch), ['GONE', 'GONE', 'GONE', 'GONE', 'REPLAYED']);
      const found = await store().listDeliveries({ namespace, limit: 10 });
      assert.deepEqual(
        found.map(({ id }) => id),
        [batch[4]!.delivery.id],
      );
    });

    test('a replay that was swept leaves its event to the others', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const [first] = await publishTo(store(), webhook, 1, { event: { callerId: 'a' } });
      const delivery = aDelivery(webhook.id);
      await store().replay([{ eventId: first!.eventId, delivery, replayOf: first!.id, now: T0 }]);
      const waiting = await waitingOf(store(), webhook.id);
      await store().settle([settlement(waiting.at(-1)!, undefined, T0)], []);
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      const [event] = await store().getEvents([{ namespace, id: 'a' }]);
      assert.equal(event?.deliveryCount, 1);
      assert.equal(await store().getDelivery(keyOf(delivery.id)), undefined);
    });
  });

  describe(`${harness.name}: what requests need`, () => {
    const store = useStore(harness);

    test('an event is read with everything that it was published with', async () => {
      const full = anEvent({
        callerId: 'order-1',
        type: 'order.paid',
        source: '/shop',
        subject: 'order/1',
        time: T0 - 5,
        nominalAt: T0 - 7,
        contentType: 'application/json',
        headers: { 'x-a': 'b', 'x-ü': '"' },
        createdAt: T0 + 1,
        body: new TextEncoder().encode('{"a":1}'),
      });
      const bare = anEvent();
      const remember = { digest: 'd', until: T0 };
      await store().publish([
        { ...aPublication([]), event: full, remember },
        { ...aPublication([]), event: bare },
      ]);
      const expected = [full, bare].map(({ namespace: _, ...body }): EventBody => body);
      assert.deepEqual(await store().getEventBodies([full.id, bare.id]), expected);
    });

    test('the format of a delivery comes with it, published or fired', async () => {
      const webhook = await register(store());
      const formats = ['BODY', 'ENVELOPE', 'CLOUDEVENTS_BINARY', 'CLOUDEVENTS_STRUCTURED'] as const;
      const deliveries = formats.map((format) => aDelivery(webhook.id, { format }));
      await store().publish([{ ...aPublication([webhook.id]), deliveries }]);
      const waiting = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        waiting.map(({ format, rendered }) => [format, rendered]),
        formats.map((format) => [format, false]),
      );
    });

    test('what was rendered is read byte for byte, and nothing where nothing was', async () => {
      const webhook = await register(store());
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      const body = { body: bytes.subarray(1, 200), contentType: 'text/plain', headers: { 'x-a': 'ü' } };
      const headers = { headers: { 'x-b': '' } };
      const empty = { body: new Uint8Array(), contentType: 'a/b', headers: {} };
      const deliveries = [
        aDelivery(webhook.id, { format: 'RENDERED', rendered: body }),
        aDelivery(webhook.id),
        aDelivery(webhook.id, { format: 'ENVELOPE', rendered: headers }),
        aDelivery(webhook.id, { format: 'RENDERED', rendered: empty }),
      ];
      await store().publish([{ ...aPublication([webhook.id]), deliveries }]);
      const waiting = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        waiting.map(({ rendered }) => rendered),
        [true, false, true, true],
      );
      const [first, none, second, third] = deliveries.map(({ id }) => id);
      const found = await store().getRendered([third!, first!, testId('delivery'), none!, second!]);
      assert.deepEqual(found, [empty, { ...body, body: bytes.slice(1, 200) }, undefined, undefined, headers]);
    });

    test('what was rendered is there for every attempt, and goes with the delivery', async () => {
      const webhook = await register(store(), { namespace: aNamespace() });
      const rendered = { headers: { 'x-a': 'b' } };
      const delivery = aDelivery(webhook.id, { rendered });
      await store().publish([{ ...aPublication([webhook.id]), deliveries: [delivery] }]);
      const [waiting] = await waitingOf(store(), webhook.id);
      const attempt = anAttempt(1, 500);
      const later = { to: 'PENDING', dueAt: T0 } as const;
      await store().settle([{ delivery: waiting!, attempt, transition: later, now: T0 }], []);
      assert.deepEqual(await store().getRendered([delivery.id]), [rendered]);
      await store().settle([settlement({ ...waiting!, attempts: 1 }, undefined, T0)], []);
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      assert.deepEqual(await store().getRendered([delivery.id]), [undefined]);
    });
  });
}
