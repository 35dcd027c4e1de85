import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Delivery } from '../../src/domain/delivery/delivery.ts';
import type { EventRecord } from '../../src/domain/event/event.ts';
import { newId } from '../../src/domain/id.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { createReplayer } from '../../src/publish/replayer.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { anEvent, aWebhook, T0, theNamespaces } from '../support/store.ts';

const EVENTS = 150;
/** Of each event. Together they are more than the hundred thousand after which a call stops. */
const DELIVERIES = 999;

test('a range with more than a hundred thousand deliveries is left to another call, which goes on where it ended', async () => {
  const random = systemRandom();
  const webhooks = Array.from({ length: DELIVERIES }, () => aWebhook());
  const events = Array.from({ length: EVENTS }, (_, i): EventRecord => {
    const createdAt = T0 + i;
    const id = newId('event', createdAt, random);
    return { ...anEvent({ id, type: 'order.paid', createdAt }), purged: false, deliveryCount: DELIVERIES };
  });
  const deliveries = webhooks.map(({ id }) => ({ id: `msg_of_${id}`, webhookId: id }) as Delivery);
  const byId = new Map(webhooks.map((webhook) => [webhook.id, webhook]));
  const replayer = createReplayer({
    store: {
      listEvents: async ({ since = 0 }) => events.filter(({ createdAt }) => createdAt >= since),
      getEvents: async () => [],
      resolveWebhooks: async () => assert.fail('no webhook is named'),
      getEventBodies: async () => [],
      listDeliveries: async () => deliveries,
      replay: async () => assert.fail('nothing is sent'),
    },
    directory: { load: async (ids) => ids.map((id) => byId.get(id)) },
    namespaces: theNamespaces(),
    clock: manualClock(T0 + EVENTS),
    random,
    log: recordingLog().log,
  });
  const order = { namespace: 'default', validateOnly: true };
  const first = await replayer.replay({ ...order, events: { since: T0 } });
  assert.ok(first.deliveries >= 100_000 && first.deliveries < EVENTS * DELIVERIES);
  assert.equal(first.nextSince, T0 + first.events);
  const second = await replayer.replay({ ...order, events: { since: first.nextSince! } });
  assert.equal(first.events + second.events, EVENTS);
  assert.equal(first.deliveries + second.deliveries, EVENTS * DELIVERIES);
});
