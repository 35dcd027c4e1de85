import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openEvent } from '../../src/domain/event/data.ts';
import { fanOut } from '../../src/publish/fan-out.ts';
import { anEvent, T0, testId } from '../support/store.ts';

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
    log: { warn: () => {}, error: () => {} },
    deliveryId: () => testId('delivery'),
  });
  assert.equal(deliveries.length, 2_560);
  assert.equal(turns, 10);
});
