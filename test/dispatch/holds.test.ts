import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import { HEALTHY, type LaneHealth } from '../../src/domain/delivery/lane.ts';
import { noProblems } from '../../src/domain/problems.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { type HeldSender, heldSender } from '../support/held-sender.ts';
import { openPipeline, type Pipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { openMemoryStore } from '../support/store.ts';

/** What is known of a destination belongs to a webhook and to where it points, and trouble of our own to nobody. */

const NAMESPACE = 'default';
const HOUR = 3_600_000;
const RETRIED_LATE = { ...QUICK_RETRIES, delaysMs: [HOUR] };

async function health(pipeline: Pipeline, webhook: Webhook): Promise<LaneHealth> {
  return (await pipeline.store.getWebhooks([webhook.id]))[0]!.health;
}

async function attempted(pipeline: Pipeline, id: string, count = 1): Promise<void> {
  await until(async () => ((await pipeline.delivery(id)).attemptCount >= count ? true : undefined));
}

function pointTo(pipeline: Pipeline, { id }: Webhook, destination: string): Promise<Webhook> {
  return pipeline.control.webhooks.update({ namespace: NAMESPACE, id }, ({ spec }) => ({
    spec: { ...spec, destination },
    touched: new Set(['destination']),
    problems: noProblems(),
  }));
}

function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

function sentTo(sender: HeldSender, place: string): number {
  return sender.sent.filter(({ destination }) => destination.startsWith(place)).length;
}

describe('what a destination asked for with Retry-After', () => {
  it('holds after a restart, and not for others, until a caller resumes the webhook', async (t) => {
    const store = await openMemoryStore();
    t.after(() => store.close());
    const sender = heldSender();
    const first = await openPipeline({ store, sender });
    const place = 'http://127.0.0.1:9999/asks';
    const webhook = await first.register({ destination: place });
    const other = await first.register({ destination: place, retryPolicy: RETRIED_LATE });
    const [id] = await first.publish(webhook, ['x']);
    (await sender.sending(1))[0]!.answer(429, { 'retry-after': '3600' });
    await attempted(first, id!);
    const { holdUntil } = await until(async () => {
      const found = await health(first, webhook);
      return found.holdUntil === null ? undefined : found;
    });
    assert.ok(Math.abs(holdUntil! - systemClock.now() - HOUR) < 10_000);
    await first.stop();

    await using second = await openPipeline({ store, sender });
    await second.publish(webhook, ['y']);
    await second.publish(other, ['z']);
    await sender.sending(2);
    await aWhile();
    assert.deepEqual(
      sender.sent.map(({ body }) => body),
      ['x', 'z'],
    );
    await second.control.webhooks.resume({ namespace: NAMESPACE, id: webhook.id });
    await sender.sending(3);
    assert.deepEqual(await health(second, webhook), HEALTHY);
  });
});

describe('a webhook that is pointed elsewhere while a request is in flight', () => {
  it('begins there without what the old place was like, also in the store, however late that fails', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: 'http://127.0.0.1:9999/old' });
    const ids = await pipeline.publish(webhook, ['1', '2', '3']);
    const [first, second, third] = await sender.sending(3);
    first!.answer(503);
    await attempted(pipeline, ids[0]!);
    await until(async () => ((await health(pipeline, webhook)).failingSince === null ? undefined : true));
    // It fails before the dispatcher can have heard of the change.
    const changed = pointTo(pipeline, webhook, 'http://127.0.0.1:9999/new');
    second!.answer(429, { 'retry-after': '3600' });
    await changed;
    third!.answer(410);
    for (const id of ids) await attempted(pipeline, id);
    await aWhile();
    const [stored] = await pipeline.store.getWebhooks([webhook.id]);
    assert.deepEqual([stored?.state, stored?.health], ['ACTIVE', HEALTHY]);
    await pipeline.publish(webhook, ['4']);
    await until(() => (sentTo(sender, 'http://127.0.0.1:9999/new') > 0 ? true : undefined));
  });
});

describe('a webhook that was pointed elsewhere', () => {
  it('does not wait there for what the old place asks for when it answers at last', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: 'http://127.0.0.1:9999/old' });
    const [late] = await pipeline.publish(webhook, ['1']);
    const [first] = await sender.sending(1);
    await pointTo(pipeline, webhook, 'http://127.0.0.1:9999/new');
    await pipeline.publish(webhook, ['2']);
    await sender.sending(2);
    first!.answer(429, { 'retry-after': '3600' });
    await attempted(pipeline, late!);
    await pipeline.publish(webhook, ['3']);
    await sender.sending(3);
    assert.equal(sentTo(sender, 'http://127.0.0.1:9999/new'), 2);
  });
});

describe('a webhook that is resumed while a request is in flight', () => {
  it('is well, though that fails before the dispatcher has heard of it', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({
      destination: 'http://127.0.0.1:9999/',
      retryPolicy: RETRIED_LATE,
    });
    const ids = await pipeline.publish(webhook, ['1', '2']);
    const [first, second] = await sender.sending(2);
    first!.answer(503);
    await until(async () => ((await health(pipeline, webhook)).failingSince === null ? undefined : true));
    const resumed = pipeline.control.webhooks.resume({ namespace: NAMESPACE, id: webhook.id });
    second!.answer(503);
    await resumed;
    for (const id of ids) await attempted(pipeline, id);
    await aWhile();
    assert.deepEqual(await health(pipeline, webhook), HEALTHY);
  });
});

describe('an attempt that fails by trouble of our own', () => {
  for (const errorClass of ['LOCAL', 'PROXY'] as const) {
    it(`costs the delivery none of its attempts, and is not held against the destination: ${errorClass}`, async () => {
      const sender = heldSender();
      await using pipeline = await openPipeline({ sender });
      const webhook = await pipeline.register({
        destination: 'http://127.0.0.1:9999/',
        retryPolicy: { ...QUICK_RETRIES, maxAttempts: 2 },
      });
      const [id] = await pipeline.publish(webhook, ['x']);
      (await sender.sending(1))[0]!.fail(errorClass);
      await attempted(pipeline, id!);
      await aWhile();
      assert.equal(sender.sent.length, 1, 'it waits a little');
      (await sender.sending(2))[1]!.answer(500);
      (await sender.sending(3))[2]!.answer(500);
      const [delivery] = await pipeline.finished(webhook);
      assert.deepEqual(
        [delivery?.state, delivery?.reason, delivery?.attemptCount],
        ['FAILED', 'EXHAUSTED', 3],
      );
    });
  }
});

describe('an outage of our own', () => {
  it('opens no breaker and begins no failing, once five origins cannot be reached and none is', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhooks = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        pipeline.register({ destination: `http://127.0.0.1:${9_001 + i}/`, retryPolicy: RETRIED_LATE }),
      ),
    );
    const [hit] = webhooks;
    await pipeline.publish(hit!, ['1', '2', '3', '4', '5']);
    for (const request of await sender.sending(5)) request.fail('CONNECT');
    await until(async () => ((await health(pipeline, hit!)).openUntil === null ? undefined : true));
    for (const [i, webhook] of webhooks.slice(1).entries()) {
      await pipeline.publish(webhook, ['x']);
      (await sender.sending(6 + i))[5 + i]!.fail('DNS');
    }
    await until(async () => {
      const all = await Promise.all(webhooks.map((webhook) => health(pipeline, webhook)));
      return (
        all.every(({ failingSince, openUntil }) => failingSince === null && openUntil === null) || undefined
      );
    });
    const told = pipeline.lines.filter(({ message }) => /no destination can be reached/.test(message));
    assert.equal(told.length, 1);
    // A failure that says more about the other side counts again.
    await pipeline.publish(hit!, ['6']);
    (await sender.sending(10))[9]!.answer(503);
    await until(async () => ((await health(pipeline, hit!)).failingSince === null ? undefined : true));
  });
});
