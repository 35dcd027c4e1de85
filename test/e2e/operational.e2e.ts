import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectCall } from '../support/call.ts';
import { gone, openReceiver, status } from '../support/receiver.ts';
import { startCarillon } from '../support/server.ts';

describe('a server', () => {
  it('tells a webhook that asked for it what happened to others, and nothing of what it tells', async () => {
    await using trouble = await openReceiver();
    await using operator = await openReceiver();
    trouble.answer(gone());
    operator.answer(status(400));
    await using carillon = await startCarillon({ command: 'dev' });
    const call = connectCall(carillon.url);
    const refused = { maxAttempts: 1, clientErrors: 'CLIENT_ERRORS_FAIL' };
    await call('WebhookService/Register', {
      webhook: {
        name: 'operator',
        destination: operator.url,
        eventTypes: ['carillon.*'],
        retryPolicy: refused,
      },
    });
    const { webhook } = await call('WebhookService/Register', {
      webhook: { name: 'trouble', destination: trouble.url, eventTypes: ['order.*'] },
    });
    await call('EventService/Publish', { event: { id: 'order-7', type: 'order.paid', json: { total: 1 } } });

    const told = (await operator.received(2)).map(({ body }) => JSON.parse(body.toString()));
    const { id, uid, name, destination } = webhook as Record<string, string>;
    for (const { data } of told) {
      assert.deepEqual(data.webhook, { id, uid, name, destination });
      assert.equal(data.reason, 'GONE');
      assert.equal(data.delivery.event_id, 'order-7');
      assert.equal(data.delivery.last_status, 410);
    }
    assert.deepEqual(told.map(({ type }) => type).toSorted(), [
      'carillon.delivery.failed',
      'carillon.webhook.disabled',
    ]);

    // The operator's own deliveries fail, too. Had that been told, it would come before this.
    await call('WebhookService/Resume', { id });
    await call('EventService/Publish', { event: { type: 'order.paid', json: {} } });
    const all = await operator.received(4);
    assert.deepEqual(
      new Set(all.map(({ body }) => JSON.parse(body.toString()).data.webhook.id)),
      new Set([id]),
    );
  });
});
