import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectCall, type Json, Refusal } from '../support/call.ts';
import { openReceiver } from '../support/receiver.ts';
import { startCarillon } from '../support/server.ts';

describe('a consumer that publishes what follows from an event', () => {
  it('cannot take its id, and a replay of the one is no replay of the other', async () => {
    await using shop = await openReceiver();
    await using books = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev' });
    const call = connectCall(carillon.url);
    const register = (id: string, destination: string, type: string) =>
      call('WebhookService/Register', {
        webhook: {
          id,
          name: id,
          destination,
          eventTypes: [type],
          payload: { eventFormat: 'EVENT_FORMAT_CLOUDEVENTS_BINARY' },
        },
      });
    await register('shop', shop.url, 'order.paid');
    await register('books', books.url, 'invoice.made');

    const { id } = await call('EventService/Publish', { event: { type: 'order.paid', json: { order: 7 } } });
    const [paid] = await shop.received(1);
    const given = String(paid!.headers['ce-id']);
    assert.equal(given, id);
    const made = (eventId: string) =>
      call('EventService/Publish', { event: { id: eventId, type: 'invoice.made', json: { order: 7 } } });
    await assert.rejects(made(given), (reason: unknown) => {
      assert.ok(reason instanceof Refusal);
      assert.deepEqual([reason.code, reason.fields], [3, ['event.id']]);
      return true;
    });
    const follow = `follow-up-${given}`;
    await made(follow);
    await books.received(1);

    const range = { startTime: '2020-01-01T00:00:00Z' };
    const replayed = await call('EventService/ReplayEvents', { range: { ...range, type: 'order.paid' } });
    assert.deepEqual(replayed, { eventCount: 1, deliveryCount: 1 });
    const [, again] = await shop.received(2);
    assert.equal(again!.headers['ce-id'], given);
    assert.deepEqual(await call('EventService/ReplayEvents', { range, deliveredTo: 'books' }), {
      eventCount: 1,
      deliveryCount: 1,
    });
    const invoices = await books.received(2);
    assert.deepEqual(
      invoices.map(({ headers }) => headers['ce-id']),
      [follow, follow],
    );
    assert.equal(shop.requests.length, 2);

    for (const [eventId, webhookId] of [
      [given, 'shop'],
      [follow, 'books'],
    ] as const) {
      const filter = `event_id = "${eventId}"`;
      const { deliveries } = (await call('DeliveryService/ListDeliveries', { filter })) as {
        deliveries: readonly Json[];
      };
      assert.deepEqual(
        deliveries.map((delivery) => delivery.webhookId),
        [webhookId, webhookId],
      );
    }
    await call('EventService/PurgeEvent', { id: given });
    const { event } = (await call('EventService/GetEvent', { id: follow })) as { event: Json };
    assert.deepEqual(event.json, { order: 7 });
  });
});
