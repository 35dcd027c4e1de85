import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectCall, type Json } from '../support/call.ts';
import { until } from '../support/pipeline.ts';
import { openReceiver } from '../support/receiver.ts';
import { startCarillon } from '../support/server.ts';

const BROKEN = { contentType: 'application/json', template: '{"id": {{ event.data.id }}}' };
const MENDED = { contentType: 'application/json', template: '{"id": {{ event.data.id | json }}}' };

describe('an event that cannot be rendered for a webhook', () => {
  it('is a FAILED delivery that is listed, told of, and goes out once the template is mended', async () => {
    await using receiver = await openReceiver();
    await using operator = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev' });
    const call = connectCall(carillon.url);
    const register = (webhook: Json) => call('WebhookService/Register', { webhook });
    await register({ name: 'operator', destination: operator.url, eventTypes: ['carillon.delivery.*'] });
    await register({
      id: 'orders',
      name: 'orders',
      destination: receiver.url,
      eventTypes: ['order.*'],
      payload: BROKEN,
    });
    const published = await call('EventService/Publish', {
      event: { id: 'order-7', type: 'order.paid', json: { total: 1 } },
    });
    assert.equal(published.deliveryCount, 1);

    const [failed] = await until(async () => {
      const filter = 'webhook_id = orders AND state_reason = RENDER';
      const { deliveries } = await call('DeliveryService/ListDeliveries', { filter });
      return deliveries as Record<string, string>[] | undefined;
    });
    assert.equal(failed?.state, 'STATE_FAILED');
    assert.match(failed.stateMessage!, /^the body that the template made is not JSON/);
    const [told] = await operator.received(1);
    const { data } = JSON.parse(told!.body.toString());
    assert.deepEqual(
      [data.reason, data.message, data.delivery.event_id],
      ['RENDER', failed.stateMessage, 'order-7'],
    );
    assert.equal(receiver.requests.length, 0);

    await call('WebhookService/Update', {
      webhook: { id: 'orders', payload: MENDED },
      updateMask: 'payload',
    });
    await call('DeliveryService/RetryDelivery', { id: failed.id });
    const [request] = await receiver.received(1);
    assert.equal(request!.headers['webhook-id'], failed.id);
    assert.equal(request!.body.toString(), '{"id": null}');
  });

  it('is so too in a replay, and in a run that happens once', async () => {
    await using receiver = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev' });
    const call = connectCall(carillon.url);
    const hook = { id: 'once', name: 'once', destination: receiver.url };
    const at = new Date(Date.now() + 1_500).toISOString();
    await call('WebhookService/Register', {
      webhook: { ...hook, schedule: { at }, eventTypes: ['a'], payload: BROKEN },
    });
    await call('EventService/Publish', { event: { id: 'a-1', type: 'a', json: {} } });
    const listed = async (filter: string, count: number) =>
      until(async () => {
        const { deliveries = [] } = await call('DeliveryService/ListDeliveries', { filter });
        return (deliveries as Json[]).length === count ? (deliveries as Json[]) : undefined;
      });
    await listed('state_reason = RENDER', 2);
    await call('EventService/ReplayEvents', { ids: { ids: ['a-1'] }, webhookId: 'once' });
    const failed = await listed('state_reason = RENDER', 3);
    assert.equal(failed.filter(({ eventType }) => eventType === 'carillon.run').length, 1);

    await call('WebhookService/Update', { webhook: { id: 'once', payload: MENDED }, updateMask: 'payload' });
    await call('DeliveryService/RetryDeliveries', { filter: 'state_reason = RENDER' });
    const bodies = (await receiver.received(3)).map(({ body }) => body.toString());
    assert.deepEqual(new Set(bodies), new Set(['{"id": null}']));
  });
});
