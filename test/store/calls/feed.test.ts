import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { WaitingDelivery } from '../../../src/domain/delivery/delivery.ts';
import { createFeed } from '../../../src/store/calls/feed.ts';
import { anEvent, aPublication, aWebhook, openMemoryStore, T0 } from '../../support/store.ts';

function waiting(ord: number, webhookId: string): WaitingDelivery {
  const [id, eventId] = [`msg_${ord}`, `evt_${ord}`];
  const made = {
    dueAt: T0,
    firstDueAt: T0,
    attempts: 0,
    attemptsBefore: 0,
    format: 'BODY',
    rendered: false,
  } as const;
  return { ord, id, webhookId, eventId, ...made };
}

const BOUNDS = { visibleRowsMax: 2, visibleBytesMax: 10, changedMax: 2 };

describe('what the store holds for the next polls', () => {
  test('rows beyond the bound become names of lanes to top up', () => {
    const feed = createFeed(BOUNDS);
    feed.deliveries([waiting(1, 'a'), waiting(2, 'b'), waiting(3, 'b'), waiting(4, 'c')]);
    const poll = feed.takeWaiting();
    assert.deepEqual(
      poll.deliveries.map(({ ord }) => ord),
      [1, 2],
    );
    assert.deepEqual(poll.topUp, ['b', 'c']);
  });

  test('after a poll there is room again', () => {
    const feed = createFeed(BOUNDS);
    feed.deliveries([waiting(1, 'a'), waiting(2, 'a'), waiting(3, 'a')]);
    feed.takeWaiting();
    feed.deliveries([waiting(4, 'a')]);
    const { deliveries, topUp } = feed.takeWaiting();
    assert.deepEqual(deliveries, [waiting(4, 'a')]);
    assert.deepEqual(topUp, []);
  });

  test('a row that changes before it is polled takes no second place', () => {
    const feed = createFeed(BOUNDS);
    feed.deliveries([waiting(1, 'a'), waiting(2, 'b')]);
    feed.deliveries([{ ...waiting(1, 'a'), ending: 'REQUESTED' }]);
    const { deliveries, topUp } = feed.takeWaiting();
    assert.deepEqual(
      deliveries.map(({ ord, ending }) => [ord, ending]),
      [
        [1, 'REQUESTED'],
        [2, undefined],
      ],
    );
    assert.deepEqual(topUp, []);
  });

  test('bodies beyond the bound are left out, and their deliveries are not', () => {
    const feed = createFeed(BOUNDS);
    feed.deliveries([waiting(1, 'a')], anEvent({ id: 'evt_1', body: new Uint8Array(8) }));
    feed.deliveries([waiting(2, 'a')], anEvent({ id: 'evt_2', body: new Uint8Array(3) }));
    const { deliveries, events } = feed.takeWaiting();
    assert.equal(deliveries.length, 2);
    assert.deepEqual(
      events.map(({ id }) => id),
      ['evt_1'],
    );
  });

  test('the body of an event whose deliveries were all left out is left out', () => {
    const feed = createFeed({ ...BOUNDS, visibleRowsMax: 0 });
    feed.deliveries([waiting(1, 'a')], anEvent());
    assert.deepEqual(feed.takeWaiting(), { deliveries: [], events: [], topUp: ['a'], retried: [] });
  });

  test('too many changed webhooks overflow, once', () => {
    const feed = createFeed(BOUNDS);
    for (const id of ['a', 'b', 'a']) feed.webhook(id);
    assert.deepEqual(feed.takeWebhooks(), { changed: ['a', 'b'], overflowed: false });
    for (const id of ['a', 'b', 'c']) feed.webhook(id);
    assert.equal(feed.takeWebhooks().overflowed, true);
    feed.webhook('d');
    assert.deepEqual(feed.takeWebhooks(), { changed: ['d'], overflowed: false });
  });

  test('listeners are told once of everything noted since', () => {
    const feed = createFeed(BOUNDS);
    let told = 0;
    feed.onVisible(() => told++);
    feed.announce();
    assert.equal(told, 0);
    feed.webhook('a');
    feed.deliveries([waiting(1, 'a')]);
    feed.announce();
    feed.announce();
    assert.equal(told, 1);
  });

  test('every row of a burst is polled or its lane is topped up', async () => {
    const store = await openMemoryStore({ visibleRowsMax: 10 });
    const webhooks = [aWebhook(), aWebhook()];
    await store.createWebhooks(webhooks);
    const ids = webhooks.map(({ id }) => id);
    await store.publish(Array.from({ length: 8 }, () => aPublication(ids)));
    const { deliveries, topUp } = await store.pollWaiting();
    assert.equal(deliveries.length, 10);
    const lanes = await store.topUp(topUp.map((webhookId) => ({ webhookId, limit: 100, ordered: true })));
    const seen = new Set([...deliveries, ...lanes.flatMap((lane) => lane.deliveries)].map(({ id }) => id));
    assert.equal(seen.size, 16);
    await store.close();
  });
});
