import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { connectCall, type Json } from '../support/call.ts';
import { commandsOf, runCommands } from '../support/commands.ts';
import { blockOf } from '../support/docs.ts';
import { openReceiver, status } from '../support/receiver.ts';
import { startCarillon } from '../support/server.ts';

const PAGE = 'docs/events.md';

/** What the commands must print, apart from doing what they are for; those that are run elsewhere have none. */
const PRINTED: Readonly<Record<string, readonly RegExp[]>> = {
  register: [/wh_[0-9A-Z]{26}/, /whsec_/],
  curl: [/"deliveryCount": ?1,"duplicate": ?false/],
  publish: [/"deliveryCount": ?1/, /published, 1 delivery/],
  twice: [/order-1001-shipped published, 1 delivery\n[\s\S]*before/],
  follow: [/invoice-evt_\w+ published, 0 deliveries/],
  later: [/published, 1 delivery/, /"deliveryCount": ?1/],
  batch: [/"response":\{"id":"evt_/, /"code":3,"message":"event\.type: must be 1 to 128/],
  stream: [/evt_[\s\S]*evt_/],
  filter: [/published, 2 deliveries/],
  deliveries: [/SUCCEEDED/, /order-1001-shipped/, /"lastResponseStatus":200/],
  cancel: [/reminder-1001/],
  retry: [/1 delivery is sent again/],
  many: [/^0 deliveries would be cancelled\n\d deliver(y|ies) would be sent again\n\{\}$/],
  recover: [/ID +NAME +STATE/, /no deliveries/, /\nname +shop\n/, /0 deliveries are sent again\n/],
  replay: [/2 events, 3 deliveries/],
  operational: [/wh_/],
  purge: [/erased/, /order-1001-shipped/],
};
/** With the other clients. */
const ELSEWHERE = ['grpcurl'];

describe('the page about events', () => {
  it('has commands that do what it says, from top to bottom', async (t) => {
    await using carillon = await startCarillon({ command: 'dev' });
    const names = commandsOf(PAGE).filter((name) => !ELSEWHERE.includes(name));
    assert.deepEqual(names, Object.keys(PRINTED));
    for (const name of names) {
      await t.test(name, async () => {
        const printed = await runCommands(PAGE, name, carillon);
        for (const expected of PRINTED[name]!) assert.match(printed, expected);
        if (name !== 'batch') assert.doesNotMatch(printed, /"code":/);
      });
    }
  });

  it('shows an operational event as it is', async () => {
    await using receiver = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev' });
    const call = connectCall(carillon.url);
    const ops = { name: 'ops', destination: `${receiver.url}/ops`, eventTypes: ['carillon.*'] };
    await call('WebhookService/Register', { webhook: ops });
    const retryPolicy = { maxAttempts: 1 };
    const shop = { name: 'shop', destination: `${receiver.url}/shop`, eventTypes: ['order.*'], retryPolicy };
    await call('WebhookService/Register', { webhook: shop });
    receiver.script(status(503));
    await call('EventService/Publish', { event: { id: 'order-1001-paid', type: 'order.paid' } });
    const [, request] = await receiver.received(2);
    const { type, data } = JSON.parse(request!.body.toString());
    assert.equal(type, 'carillon.delivery.failed');
    const shown = JSON.parse(blockOf(PAGE, 'operational', 'failed'));
    assert.deepEqual(shapeOf(data), shapeOf(shown));
    assert.deepEqual(Object.keys(data), Object.keys(shown));
    assert.deepEqual([data.webhook.name, data.reason], ['shop', shown.reason]);
    assert.deepEqual(data.delivery, {
      ...shown.delivery,
      id: data.delivery.id,
      attempt_count: retryPolicy.maxAttempts,
    });
  });
});

/** The names in it, and the types of what they name. */
function shapeOf(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value as Json).map(([name, member]) => [name, shapeOf(member)]));
}
