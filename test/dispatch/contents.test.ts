import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import type { Event } from '../../src/domain/event/event.ts';
import { verify } from '../../src/domain/webhook/signature.ts';
import type { Store } from '../../src/store/store.ts';
import { LIMITS, openPipeline } from '../support/pipeline.ts';
import { openReceiver, status } from '../support/receiver.ts';
import { openMemoryStore, testId } from '../support/store.ts';

const JSON_EVENT: Partial<Event> = {
  type: 'order.paid',
  time: Date.UTC(2026, 0, 1),
  contentType: 'application/json',
};

describe('what is sent of an event', () => {
  it('is in the format of its delivery, and the same in a retry', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.script(status(500));
    const webhook = await pipeline.register({ destination: receiver.url });
    const data = '{ "n": 9007199254740993, "a": 1, "a": 2 }';
    await pipeline.publish(webhook, [data], { event: JSON_EVENT, delivery: { format: 'ENVELOPE' } });
    const requests = await receiver.received(2);
    for (const { headers, body } of requests) {
      const envelope = `{"type":"order.paid","timestamp":"2026-01-01T00:00:00.000Z","data":${data}}`;
      assert.equal(body.toString(), envelope);
      assert.equal(headers['content-type'], 'application/json');
      assert.equal(verify({ secrets: [pipeline.secret], headers, body, now: systemClock.now() }), 'valid');
    }
  });

  it('comes with the headers of the event, which go before those of the webhook', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({
      destination: receiver.url,
      headers: { 'x-from': 'webhook', 'x-own': '1' },
    });
    const event = { ...JSON_EVENT, headers: { 'x-from': 'event', 'x-event': '2' } };
    const [id] = await pipeline.publish(webhook, ['{}'], {
      event,
      delivery: { format: 'CLOUDEVENTS_BINARY' },
    });
    const [request] = await receiver.received(1);
    const { headers } = request!;
    assert.deepEqual([headers['x-from'], headers['x-own'], headers['x-event']], ['event', '1', '2']);
    assert.equal(headers['ce-type'], 'order.paid');
    await pipeline.finished(webhook);
    const { attempts } = await pipeline.delivery(id!);
    const sent = attempts[0]!.requestHeaders;
    assert.equal(sent[sent.indexOf('x-from') + 1], 'event');
    assert.equal(sent[sent.indexOf('webhook-id') + 1], id);
    assert.equal(attempts[0]!.url, receiver.url);
  });

  it('is what was rendered for the delivery, in every attempt, also after a restart', async () => {
    await using receiver = await openReceiver();
    receiver.answer(status(500));
    await using first = await openPipeline();
    const webhook = await first.register({ destination: receiver.url });
    const rendered = {
      body: new TextEncoder().encode('Dear Joe'),
      contentType: 'text/x-letter',
      headers: { 'x-letter': '7', 'x-both': 'template' },
    };
    const event = { ...JSON_EVENT, headers: { 'x-both': 'event' } };
    await first.publish(webhook, ['{}'], { event, delivery: { format: 'RENDERED', rendered } });
    await receiver.received(2);
    await first.dispatcher.drain(0);
    const before = receiver.requests.length;
    receiver.answer(status(200));
    await using second = await openPipeline({ store: first.store });
    await second.finished(webhook);
    assert.ok(receiver.requests.length > before);
    for (const { headers, body } of receiver.requests) {
      assert.equal(body.toString(), 'Dear Joe');
      assert.equal(headers['content-type'], 'text/x-letter');
      assert.deepEqual([headers['x-letter'], headers['x-both']], ['7', 'template']);
    }
  });

  for (const format of ['BODY', 'ENVELOPE'] as const) {
    it(`has headers from templates, which go before the event's, also where the body has none (${format})`, async () => {
      await using receiver = await openReceiver();
      await using pipeline = await openPipeline();
      const webhook = await pipeline.register({ destination: receiver.url, headers: { 'x-a': 'static' } });
      const rendered = { headers: { 'x-a': 'template', 'x-b': 'template' } };
      const event = { ...JSON_EVENT, headers: { 'x-b': 'event', 'x-c': 'event' } };
      await pipeline.publish(webhook, ['{}'], { event, delivery: { format, rendered } });
      const [request] = await receiver.received(1);
      const { headers, body } = request!;
      const sent = [headers['x-a'], headers['x-b'], headers['x-c']];
      assert.deepEqual(sent, ['template', 'template', 'event']);
      assert.match(body.toString(), /\{\}/);
    });
  }

  it('is read once for all of many webhooks that it goes to later', async () => {
    await using receiver = await openReceiver();
    await using watching = watched(await openMemoryStore());
    const { store, asked } = watching;
    await using pipeline = await openPipeline({ store });
    const webhooks = [];
    for (let i = 0; i < 200; i++) webhooks.push(await pipeline.register({ destination: receiver.url }));
    // As after a restart: it sends nothing, and what came with the deliveries is gone with it.
    await pipeline.dispatcher.drain(0);
    const now = systemClock.now();
    const event = { ...JSON_EVENT, id: testId('event'), namespace: 'default', headers: {}, createdAt: now };
    await store.publish([
      {
        event: { ...event, body: new TextEncoder().encode('[1]') } as Event,
        deliveries: webhooks.map(({ id }) => ({
          id: testId('delivery'),
          webhookId: id,
          format: 'ENVELOPE' as const,
        })),
        dueAt: now,
        run: false,
      },
    ]);
    await store.pollWaiting();
    await using restarted = await openPipeline({ store });
    await receiver.received(200);
    assert.equal(new Set(receiver.requests.map(({ headers }) => headers['webhook-id'])).size, 200);
    for (const { body } of receiver.requests) assert.match(body.toString(), /"data":\[1\]\}$/);
    await restarted.stop();
    assert.deepEqual(asked, [event.id]);
  });

  it('is not read again for the others of a fan-out when the first have succeeded', async () => {
    await using receiver = await openReceiver();
    await using watching = watched(await openMemoryStore());
    const { store, asked } = watching;
    await using pipeline = await openPipeline({ store, settings: { inFlightMax: 8 } });
    const webhooks = [];
    const limits = { ...LIMITS, concurrency: 1 };
    for (let i = 0; i < 100; i++)
      webhooks.push(await pipeline.register({ destination: receiver.url, limits }));
    await pipeline.directory.load(webhooks.map(({ id }) => id));
    const now = systemClock.now();
    const event = { ...JSON_EVENT, id: testId('event'), namespace: 'default', headers: {}, createdAt: now };
    await store.publish([
      {
        event: { ...event, body: new TextEncoder().encode('[1]') } as Event,
        deliveries: webhooks.map(({ id }) => ({
          id: testId('delivery'),
          webhookId: id,
          format: 'BODY' as const,
        })),
        dueAt: now,
        run: false,
      },
    ]);
    await receiver.received(100);
    await pipeline.stop();
    assert.deepEqual(asked, []);
  });
});

/** A store of which is known which events were read from it. */
function watched(store: Store): { store: Store; asked: string[] } & AsyncDisposable {
  const asked: string[] = [];
  return {
    asked,
    [Symbol.asyncDispose]: () => store.close(),
    store: {
      ...store,
      getEventBodies(ids) {
        asked.push(...ids);
        return store.getEventBodies(ids);
      },
    },
  };
}
