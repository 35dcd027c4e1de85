import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Event, EventBody } from '../../../src/domain/event/event.ts';
import { aDelivery, anEvent, aPublication, keyOf, T0, testId } from '../../support/store.ts';
import { type Harness, publishTo, register, useStore, waitingOf } from './harness.ts';

function withoutNamespace({ namespace: _, ...event }: Event): EventBody {
  return event;
}

export function publishing(harness: Harness): void {
  describe(`${harness.name}: publishing`, () => {
    const store = useStore(harness);

    test('an event waits for each of its webhooks, due when it was said to be', async () => {
      const one = await register(store());
      const two = await register(store(), { namespace: one.namespace });
      const publication = aPublication([one.id, two.id], { dueAt: T0 + 7 });
      assert.deepEqual(await store().publish([publication]), [{ kind: 'PUBLISHED', deliveries: 2 }]);
      for (const [i, webhook] of [one, two].entries()) {
        const [waiting, ...others] = await waitingOf(store(), webhook.id);
        assert.deepEqual(others, []);
        assert.deepEqual(
          { ...waiting, ord: 0 },
          {
            ord: 0,
            id: publication.deliveries[i]?.id,
            webhookId: webhook.id,
            eventId: publication.event.id,
            dueAt: T0 + 7,
            firstDueAt: T0 + 7,
            attempts: 0,
            attemptsBefore: 0,
            format: 'BODY',
            rendered: false,
          },
        );
      }
    });

    test('an event id that exists is left out with its deliveries, and the others are published', async () => {
      const webhook = await register(store());
      const first = aPublication([webhook.id]);
      const again = aPublication([webhook.id], { event: { id: first.event.id } });
      const other = aPublication([webhook.id]);
      const published = { kind: 'PUBLISHED', deliveries: 1 };
      const known = { kind: 'DUPLICATE', eventId: first.event.id, deliveries: 1 };
      assert.deepEqual(await store().publish([first, again]), [published, known]);
      assert.deepEqual(await store().publish([again, other]), [known, published]);
      const waiting = await waitingOf(store(), webhook.id);
      assert.deepEqual(
        waiting.map(({ id }) => id),
        [first.deliveries[0]?.id, other.deliveries[0]?.id],
      );
      assert.equal(await store().getDelivery(keyOf(again.deliveries[0]!.id)), undefined);
    });

    test('an event without deliveries is kept', async () => {
      const publication = aPublication([]);
      assert.deepEqual(await store().publish([publication]), [{ kind: 'PUBLISHED', deliveries: 0 }]);
      const [body] = await store().getEventBodies([publication.event.id]);
      assert.deepEqual(body?.body, publication.event.body);
    });

    test('places in order of arrival grow from call to call and within a batch', async () => {
      const webhook = await register(store());
      const waiting = [...(await publishTo(store(), webhook, 3)), ...(await publishTo(store(), webhook, 2))];
      const ords = waiting.map(({ ord }) => ord);
      assert.deepEqual(
        ords,
        [...new Set(ords)].sort((a, b) => a - b),
      );
      assert.equal(ords.length, 5);
    });

    test('bodies are read byte for byte, in the order asked for, and unknown ids leave a gap', async () => {
      const webhook = await register(store());
      const bytes = Uint8Array.from({ length: 256 }, (_, i) => i);
      // Views of one buffer, as a caller's pool would give.
      const run = anEvent({ body: bytes.subarray(10, 20), contentType: 'a/b', nominalAt: T0 + 1 });
      const empty = anEvent({ body: new Uint8Array() });
      const large = anEvent({ body: new Uint8Array(1024 * 1024).fill(7) });
      const deliveries = () => [aDelivery(webhook.id)];
      await store().publish(
        [run, empty, large].map((event) => ({ event, deliveries: deliveries(), dueAt: T0, run: false })),
      );
      const found = await store().getEventBodies([empty.id, testId('event'), large.id, run.id]);
      const expected = [empty, undefined, large, { ...run, body: bytes.slice(10, 20) }];
      assert.deepEqual(
        found,
        expected.map((event) => event && withoutNamespace(event)),
      );
    });

    test('what a body is made of is read by its delivery: the event, the format, and what was rendered', async () => {
      const webhook = await register(store());
      const rendered = { headers: {}, contentType: 'a/b', body: new TextEncoder().encode('made') };
      const event = anEvent({ namespace: webhook.namespace });
      const deliveries = [
        aDelivery(webhook.id, { format: 'ENVELOPE' }),
        aDelivery(webhook.id, { format: 'RENDERED', rendered }),
        aDelivery(webhook.id, { format: 'RENDERED', toRender: true }),
      ];
      await store().publish([{ event, deliveries, dueAt: T0, run: false }]);
      const [plain, made, later] = deliveries.map(({ id }) => id) as [string, string, string];
      const shared = withoutNamespace(event);
      assert.deepEqual(await store().getContents([made, testId('delivery'), later, plain].map(keyOf)), [
        { event: shared, format: 'RENDERED', rendered },
        undefined,
        undefined,
        { event: shared, format: 'ENVELOPE' },
      ]);
    });

    test('an empty batch is answered with nothing', async () => {
      assert.deepEqual(await store().publish([]), []);
      assert.deepEqual(await store().getEventBodies([]), []);
    });
  });
}
