import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { connectCall } from '../support/call.ts';
import { KEPT, REFUSED, TOO_DEEP } from '../support/odd-payloads.ts';
import { openPayloadWorld, type PayloadWorld } from '../support/payload-world.ts';
import { WAYS } from '../support/publishers.ts';
import { openReceiver } from '../support/receiver.ts';
import { startCarillon } from '../support/server.ts';

describe('payloads that are easily broken', () => {
  let world: PayloadWorld;
  before(async () => {
    world = await openPayloadWorld();
  });
  after(() => world[Symbol.asyncDispose]());

  for (const [way, open] of Object.entries(WAYS)) {
    it(`arrive byte for byte, RAW and enveloped, by ${way}`, () => world.deliver(open, KEPT));

    // A request that is no JSON for a message of protobuf cannot be taken apart into its events.
    const refused = REFUSED.filter(([{ name }]) => name !== TOO_DEEP || !/Batch.*JSON/.test(way));
    it(`are refused by ${way} when they are too large or are not what they say, and name the field`, () =>
      world.refuse(open, refused));
  }
});

describe('JSON that is given as a value', () => {
  it('is written again with numbers of double precision, and no key can come twice', async () => {
    await using receiver = await openReceiver();
    await using carillon = await startCarillon({ command: 'dev' });
    const webhook = {
      name: 'raw',
      destination: receiver.url,
      eventTypes: ['*'],
      payload: { eventFormat: 'EVENT_FORMAT_RAW' },
    };
    await connectCall(carillon.url)('WebhookService/Register', { webhook });
    // As text, since JavaScript's own JSON would lose the same.
    const publish = (json: string) =>
      fetch(`${carillon.url}/carillon.v1.EventService/Publish`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: `{"event": {"type": "a", "json": ${json}}}`,
      });
    const refused = await publish('{"k": 1, "k": 2}');
    assert.equal(refused.status, 400);
    assert.match(await refused.text(), /event\.json\.k: is given twice/);
    const taken = await publish('{"n": 9007199254740993, "k": 1.50}');
    assert.equal(taken.status, 200, await taken.text());
    const [request] = await receiver.received(1);
    assert.equal(request?.body.toString(), '{"n":9007199254740992,"k":1.5}');
  });
});
