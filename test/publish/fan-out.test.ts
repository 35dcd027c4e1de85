import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEvent } from '../../src/domain/event/data.ts';
import { fanOut } from '../../src/publish/fan-out.ts';
import { aPayload } from '../support/fan-out.ts';
import { anEvent, aWebhook, T0, testId } from '../support/store.ts';

test('an event that goes to many webhooks lets others run in between', async () => {
  let turns = 0;
  const input = {
    opened: openEvent(anEvent({ type: 'order.paid' })),
    namespace: 'default',
    audience: {
      plain: Array.from({ length: 2_560 }, () => ({ webhookId: 'webhook', format: 'BODY' as const })),
      choosy: [],
    },
    now: T0,
    turns: {
      isOver: () => true,
      async next() {
        turns++;
      },
    },
  };
  const { deliveries } = await fanOut(input, {
    directory: { load: async () => [] },
    log: { warn: () => {} },
    deliveryId: () => testId('delivery'),
  });
  assert.equal(deliveries.length, 2_560);
  assert.equal(turns, 10);
});

test('an event that goes to webhooks with filters and templates lets others run before each of them', async () => {
  const steps: string[] = [];
  const source = '{{ event.id }}';
  const payload = aPayload({ body: { kind: 'template', source } });
  const webhooks = [1, 2].map(() => aWebhook({ spec: { filter: 'event.type == "order.paid"', payload } }));
  const input = {
    opened: openEvent(anEvent({ type: 'order.paid' })),
    namespace: 'default',
    audience: { plain: [], choosy: webhooks.map(({ id }) => id) },
    now: T0,
    turns: {
      isOver: () => true,
      async next() {
        steps.push('turn');
      },
    },
  };
  const { deliveries } = await fanOut(input, {
    directory: { load: async () => webhooks },
    log: { warn: () => {} },
    deliveryId() {
      steps.push('template');
      return testId('delivery');
    },
  });
  assert.equal(deliveries.length, 2);
  assert.deepEqual(steps, ['turn', 'turn', 'template', 'turn', 'turn', 'template']);
});
