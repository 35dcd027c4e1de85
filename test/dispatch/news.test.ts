import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { BREAKER_FAILURES } from '../../src/domain/delivery/lane.ts';
import { RUN_EVENT_TYPE } from '../../src/domain/event/event.ts';
import { settableClock } from '../support/clock.ts';
import { aboutDeliveries, LIMITS, openPipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { gone, openReceiver, status } from '../support/receiver.ts';
import { TOGETHER } from '../support/together.ts';

describe('the dispatcher tells', TOGETHER, () => {
  it('of a delivery that failed, once that is on disk', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(503));
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 2 };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy });
    const event = { type: 'order.paid', callerId: 'order-7' };
    const [id] = await pipeline.publish(webhook, ['x'], { event });
    const [news] = await until(() => (pipeline.news.length > 0 ? pipeline.news : undefined));
    assert.equal((await pipeline.delivery(id!)).state, 'FAILED');
    const { time, ...rest } = news!;
    assert.ok(time > 0);
    assert.deepEqual(rest, {
      type: 'carillon.delivery.failed',
      namespace: webhook.namespace,
      webhook: {
        id: webhook.id,
        uid: webhook.id,
        name: webhook.spec.name,
        destination: webhook.spec.destination,
      },
      reason: 'EXHAUSTED',
      delivery: { id, eventId: 'order-7', eventType: 'order.paid', attemptCount: 2, lastStatus: 503 },
    });
    assert.equal(pipeline.news.length, 1);
  });

  it('of each delivery that failed by the id of its own event, though several fail together', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(400));
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 1 };
    const webhooks = [
      await pipeline.register({ destination: receiver.url, retryPolicy, name: 'one' }),
      await pipeline.register({ destination: receiver.url, retryPolicy, name: 'other' }),
    ];
    const expected: (string | undefined)[][] = [];
    for (const webhook of webhooks) {
      for (const callerId of [`order-7-${webhook.id}`, `follow-up-order-7-${webhook.id}`, undefined]) {
        const event = { type: 'order.paid', ...(callerId !== undefined && { callerId }) };
        const [id] = await pipeline.publish(webhook, ['x'], { event });
        const { eventId } = await pipeline.delivery(id!);
        if (callerId !== undefined) assert.equal(eventId, callerId);
        expected.push([id, eventId, webhook.id, webhook.spec.name]);
      }
    }
    const news = await until(() => (pipeline.news.length >= expected.length ? pipeline.news : undefined));
    const told = aboutDeliveries(news).map(({ delivery, webhook }) => [
      delivery.id,
      delivery.eventId,
      webhook.uid,
      webhook.name,
    ]);
    assert.deepEqual(told.sort(), expected.sort());
  });

  it('of a webhook that it disables, once, however many attempts say so', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(({ response, after }) => after(50, () => response.writeHead(410).end()));
    const webhook = await pipeline.register({ destination: receiver.url });
    await pipeline.publish(webhook, ['1', '2', '3']);
    await receiver.received(3);
    await until(() => (pipeline.news.length >= 4 ? true : undefined));
    await pipeline.stop();
    const types = pipeline.news.map(({ type }) => type);
    assert.equal(types.filter((type) => type === 'carillon.delivery.failed').length, 3);
    const disabled = pipeline.news.filter(({ type }) => type === 'carillon.webhook.disabled');
    assert.equal(disabled.length, 1);
    assert.ok(disabled[0]!.type === 'carillon.webhook.disabled' && disabled[0]!.reason === 'GONE');
  });

  it('of the first success after the breaker had opened, and not of the others', async () => {
    await using receiver = await openReceiver();
    const clock = settableClock();
    await using pipeline = await openPipeline({ clock });
    receiver.script(...Array.from({ length: BREAKER_FAILURES }, () => status(500)));
    const limits = { ...LIMITS, concurrency: 1 };
    const webhook = await pipeline.register({ destination: receiver.url, limits });
    await pipeline.publish(webhook, ['1', '2', '3']);
    await until(async () => {
      const [stored] = await pipeline.store.getWebhooks([webhook.id]);
      return stored?.health.openUntil === null ? undefined : true;
    });
    clock.advance(10_000);
    await pipeline.finished(webhook);
    assert.deepEqual(
      pipeline.news.map(({ type }) => type),
      ['carillon.webhook.recovered'],
    );
    const [recovered] = pipeline.news;
    assert.ok(
      recovered!.type === 'carillon.webhook.recovered' && recovered!.failingSince! <= recovered!.time,
    );
  });

  it('nothing of a success after a failure or two', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.script(status(500), status(404));
    const webhook = await pipeline.register({ destination: receiver.url });
    await pipeline.publish(webhook, ['x']);
    await pipeline.finished(webhook);
    await pipeline.stop();
    assert.deepEqual(pipeline.news, []);
  });

  it('nothing of the deliveries of what it has told, but of runs', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(gone());
    const told = await pipeline.register({ destination: `${receiver.url}/told` });
    await pipeline.publish(told, ['x'], { event: { type: 'carillon.delivery.failed' } });
    await pipeline.finished(told);
    const run = await pipeline.register({ destination: `${receiver.url}/run` });
    await pipeline.publish(run, ['x'], { event: { type: RUN_EVENT_TYPE } });
    await pipeline.finished(run);
    await pipeline.stop();
    assert.deepEqual(new Set(pipeline.news.map(({ webhook }) => webhook.id)), new Set([run.id]));
  });
});
