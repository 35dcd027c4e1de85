import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HeldSender, heldSender } from '../support/held-sender.ts';
import { LIMITS, openPipeline } from '../support/pipeline.ts';
import { hang, openReceiver, status } from '../support/receiver.ts';
import { aWebhook } from '../support/store.ts';

const IN_FLIGHT_MAX = 16;

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

describe('a destination beside others', () => {
  it('takes an eighth of what may be in flight when it hangs, and leaves the rest to the others', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ settings: { inFlightMax: IN_FLIGHT_MAX } });
    receiver.answer((exchange) => (exchange.request.path === '/hanging' ? hang() : status(200))(exchange));
    const limits = { ...LIMITS, concurrency: 4 * IN_FLIGHT_MAX };
    const hanging = await pipeline.register({
      destination: `${receiver.url}/hanging`,
      limits,
      timeoutMs: 60_000,
    });
    await pipeline.publish(hanging, numbers(4 * IN_FLIGHT_MAX));
    await receiver.received(1);
    const good = await pipeline.register({ destination: `${receiver.url}/good`, limits });
    await pipeline.publish(good, numbers(50));
    for (const { state } of await pipeline.finished(good)) assert.equal(state, 'SUCCEEDED');
    const held = receiver.requests.filter(({ path }) => path === '/hanging').length;
    assert.equal(held, IN_FLIGHT_MAX / 8);
  });

  it('finds room however many others hang', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ settings: { inFlightMax: IN_FLIGHT_MAX } });
    receiver.answer((exchange) => (exchange.request.path === '/good' ? status(200) : hang())(exchange));
    const limits = { ...LIMITS, concurrency: IN_FLIGHT_MAX };
    for (const path of numbers(5)) {
      const destination = `${receiver.url}/${path}`;
      const hanging = await pipeline.register({ destination, limits, timeoutMs: 60_000 });
      await pipeline.publish(hanging, numbers(2 * IN_FLIGHT_MAX));
    }
    await receiver.received(5);
    const good = await pipeline.register({ destination: `${receiver.url}/good`, limits });
    await pipeline.publish(good, numbers(20));
    for (const { state } of await pipeline.finished(good)) assert.equal(state, 'SUCCEEDED');
    assert.ok(receiver.requests.length - 20 < IN_FLIGHT_MAX);
  });

  it('finds room at its own origin, however many webhooks hang at another path there', async () => {
    const sender = heldSender();
    const settings = { originInFlightMax: 32 };
    const send: HeldSender['send'] = async (request) => {
      const answer = sender.send(request);
      if (request.destination.endsWith('/good')) sender.sent.at(-1)!.answer(200);
      return answer;
    };
    await using pipeline = await openPipeline({ settings, sender: { send } });
    const destination = 'http://127.0.0.1:9999';
    for (const path of numbers(6)) {
      const hanging = await pipeline.register({ destination: `${destination}/${path}` });
      await pipeline.publish(hanging, numbers(20));
    }
    await sender.sending(28);
    const good = await pipeline.register({ destination: `${destination}/good` });
    await pipeline.publish(good, numbers(140));
    for (const { state } of await pipeline.finished(good)) assert.equal(state, 'SUCCEEDED');
    assert.ok(sender.open.length < 32);
  });

  it('is sent to although no key opens the secrets of a webhook before it, whose deliveries wait', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const broken = aWebhook({ callerId: 'broken', spec: { destination: `${receiver.url}/broken` } });
    await pipeline.store.createWebhooks([broken]);
    const good = [];
    for (const path of numbers(3))
      good.push(await pipeline.register({ destination: `${receiver.url}/${path}` }));
    // They are read together, and the second time from memory.
    for (let round = 1; round <= 2; round++) {
      await Promise.all([broken, ...good].map((webhook) => pipeline.publish(webhook, ['x'])));
      for (const webhook of good) {
        const states = (await pipeline.finished(webhook)).map(({ state }) => state);
        assert.deepEqual(states, Array(round).fill('SUCCEEDED'));
      }
    }
    assert.ok(receiver.requests.every(({ path }) => path !== '/broken'));
    const told = pipeline.lines.filter(({ level }) => level === 'error').map(({ message }) => message);
    assert.equal(told.length, 1);
    assert.match(
      told[0]!,
      /^nothing is sent to webhook broken: a stored secret cannot be opened: .* start Carillon with the key/,
    );
  });
});
