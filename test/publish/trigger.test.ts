import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemRandom } from '../../src/domain/random.ts';
import { makeRun } from '../../src/publish/make-run.ts';
import { trigger } from '../../src/publish/trigger.ts';
import { aPayload, listener, openPublishing } from '../support/fan-out.ts';
import { aWebhook, T0 } from '../support/store.ts';

describe('a run', () => {
  const random = systemRandom();

  it('is an event of its webhook with one delivery, sent as it is', () => {
    const webhook = aWebhook({ spec: { name: 'joe' } });
    const { event, delivery } = makeRun({ webhook, nominalAt: T0 - 5, now: T0, random });
    const { id, body, ...rest } = event;
    assert.match(id, /^evt_/);
    assert.equal(new TextDecoder().decode(body), 'Hello joe, current time is 2026-01-01T00:00:00.000Z');
    assert.deepEqual(rest, {
      namespace: 'default',
      type: 'carillon.run',
      time: T0,
      nominalAt: T0 - 5,
      contentType: 'text/plain; charset=utf-8',
      headers: {},
      createdAt: T0,
    });
    const { id: deliveryId, ...sent } = delivery;
    assert.match(deliveryId, /^msg_/);
    assert.deepEqual(sent, { webhookId: webhook.id, format: 'BODY' });
  });

  it('is sent as it is to a webhook that wants its events otherwise', () => {
    const webhook = aWebhook({ spec: { payload: aPayload({ eventFormat: 'CLOUDEVENTS_BINARY' }) } });
    assert.equal(makeRun({ webhook, now: T0, random }).delivery.format, 'BODY');
  });

  it('has headers from templates, kept with its delivery', () => {
    const headerTemplates = { 'x-manual': '{{ run.manual }}' };
    const webhook = aWebhook({ spec: { payload: aPayload({ headerTemplates }) } });
    const { delivery } = makeRun({ webhook, now: T0, random });
    assert.deepEqual(delivery.rendered, { headers: { 'x-manual': 'true' } });
  });
});

describe('a trigger', () => {
  it('rings a webhook once, now, also one without a schedule', async () => {
    await using world = await openPublishing();
    const webhook = await world.listen();
    const id = await trigger(world, webhook);
    const { deliveries } = await world.store.pollWaiting();
    assert.deepEqual(
      deliveries.map((delivery) => [delivery.id, delivery.webhookId, delivery.dueAt, delivery.format]),
      [[id, webhook.id, T0, 'BODY']],
    );
  });

  it('does not ring one that is paused, or was removed', async () => {
    await using world = await openPublishing();
    const paused = listener({}, { state: 'PAUSED' });
    await assert.rejects(trigger(world, paused), { code: 'FAILED_PRECONDITION', message: /resume it first/ });
    const webhook = await world.listen();
    await world.store.removeWebhooks([{ id: webhook.id, now: T0 }]);
    await assert.rejects(trigger(world, webhook), { code: 'NOT_FOUND' });
    assert.deepEqual((await world.store.pollWaiting()).deliveries, []);
  });

  it('raises what is wrong with a template', async () => {
    await using world = await openPublishing();
    const headerTemplates = { 'x-long': `{% for i in (1..5000) %}x{% endfor %}` };
    const webhook = await world.listen({ payload: aPayload({ headerTemplates }) });
    await assert.rejects(trigger(world, webhook), { code: 'INVALID', message: /the header x-long/ });
  });
});
