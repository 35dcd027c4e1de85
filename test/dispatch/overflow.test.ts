import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { emptyLane } from '../../src/dispatch/lane.ts';
import { createOverflow } from '../../src/dispatch/overflow.ts';
import type { AskedLimits } from '../../src/domain/webhook/asked.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { openStore } from '../../src/store/open.ts';
import type { Surplus } from '../../src/store/store.ts';
import { aWaitingDelivery } from '../support/deliveries.ts';
import { recordingLog } from '../support/log.ts';
import { aboutDeliveries, LIMITS, openPipeline, type Pipeline, until } from '../support/pipeline.ts';
import { hang, openReceiver, status } from '../support/receiver.ts';
import { holdsAll } from '../support/shards.ts';
import { aWebhook, T0 } from '../support/store.ts';
import { TOGETHER } from '../support/together.ts';

const bodies = (count: number, from = 0) => Array.from({ length: count }, (_, i) => `${from + i}`);
/** Nobody listens there. */
const NOWHERE = 'http://127.0.0.1:65535/';
const CALM = { delaysMs: [60_000], maxAttempts: 10, jitter: 0 };

async function overflowCount({ store }: Pipeline, { namespace, id }: Webhook): Promise<number> {
  const failed = await store.listDeliveries({ namespace, webhookId: id, state: 'FAILED', limit: 5_000 });
  return failed.filter(({ reason }) => reason === 'OVERFLOW').length;
}

/** Resolves once so many of its deliveries have overflowed. */
function overflowed(pipeline: Pipeline, webhook: Webhook, count: number): Promise<true> {
  return until(async () => ((await overflowCount(pipeline, webhook)) >= count ? true : undefined));
}

/** Gives a webhook other limits. */
async function limit({ store }: Pipeline, { id }: Webhook, limits: AskedLimits): Promise<void> {
  const [found] = await store.getWebhooks([id]);
  const { spec, version } = found!;
  const webhook = { ...found!, spec: { ...spec, limits }, version: version + 1 };
  await store.updateWebhooks([{ webhook, ifVersion: version }]);
}

/** Why each of these deliveries is as it is. */
async function reasonsOf(pipeline: Pipeline, ids: readonly string[]): Promise<string> {
  const found = await Promise.all(ids.map((id) => pipeline.delivery(id)));
  return found.map(({ reason }) => reason ?? '-').join(' ');
}

describe('a dead webhook', TOGETHER, () => {
  it('keeps no other from anything: what waits too much for it is FAILED, and nothing is refused', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline({ storeOptions: { namespaceWaitingMax: 50 } });
    const dead = await pipeline.register({ destination: NOWHERE, retryPolicy: CALM });
    const healthy = await pipeline.register({ destination: receiver.url });
    for (let round = 0; round < 20; round++) {
      await pipeline.publish(dead, bodies(20));
      await pipeline.publish(healthy, bodies(20));
      await pipeline.finished(healthy);
    }
    assert.ok((await pipeline.finished(healthy)).every(({ state }) => state === 'SUCCEEDED'));
    assert.equal(receiver.requests.length, 400);
    await overflowed(pipeline, dead, 350);
    // More fail where those of the healthy one wait as well at that moment.
    await until(async () => {
      return pipeline.news.length === (await overflowCount(pipeline, dead)) ? true : undefined;
    });
    const all = await pipeline.store.listDeliveries({
      namespace: 'default',
      webhookId: dead.id,
      limit: 5_000,
    });
    const failed = all.filter(({ state }) => state === 'FAILED');
    assert.deepEqual(new Set(failed.map(({ reason }) => reason)), new Set(['OVERFLOW']));
    assert.match(
      failed[0]!.message!,
      /^more than 50 deliveries waited in the namespace, and most of them for this/,
    );
    const waiting = all.filter(({ state }) => state === 'PENDING').length;
    assert.equal(waiting + failed.length, 400);
    assert.ok(waiting <= 50 && waiting >= 50 - 20, String(waiting));
    const told = aboutDeliveries(pipeline.news).filter(({ type }) => type === 'carillon.delivery.failed');
    assert.deepEqual(told.map(({ delivery }) => delivery.id).sort(), failed.map(({ id }) => id).sort());
  });

  it('gives up its oldest beyond a bound of its own, or its newest if it says so', async () => {
    await using pipeline = await openPipeline();
    for (const [overflow, expected] of [
      ['DROP_OLDEST', 'OVERFLOW OVERFLOW OVERFLOW - - -'],
      ['DROP_NEWEST', '- - - OVERFLOW OVERFLOW OVERFLOW'],
    ] as const) {
      const limits = { waitingMax: 3, overflow };
      const webhook = await pipeline.register({ destination: NOWHERE, limits });
      await pipeline.control.webhooks.pause({ namespace: 'default', id: webhook.id });
      const ids = await pipeline.publish(webhook, bodies(6));
      await overflowed(pipeline, webhook, 3);
      assert.equal(await reasonsOf(pipeline, ids), expected);
      const { message } = await pipeline.delivery(ids[overflow === 'DROP_OLDEST' ? 0 : 5]!);
      assert.equal(message, 'more than 3 deliveries waited for this webhook');
    }
  });

  it('has the rest sent, and what was given up once more when it is retried', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: receiver.url, limits: { waitingMax: 2 } });
    const name = { namespace: 'default', id: webhook.id };
    await pipeline.control.webhooks.pause(name);
    const [first] = await pipeline.publish(webhook, bodies(4));
    await overflowed(pipeline, webhook, 2);
    await pipeline.control.webhooks.resume(name);
    await pipeline.finished(webhook);
    await pipeline.control.deliveries.retry('default', first!);
    const sent = (await receiver.received(3)).map(({ body }) => body.toString());
    assert.deepEqual(sent.toSorted(), ['0', '2', '3']);
    assert.equal(sent.at(-1), '0');
  });

  it('has what is in flight brought to its end', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(hang());
    const limits = { ...LIMITS, concurrency: 2, waitingMax: 2 };
    const webhook = await pipeline.register({ destination: receiver.url, limits, retryPolicy: CALM });
    const ids = await pipeline.publish(webhook, bodies(2));
    await receiver.received(2);
    ids.push(...(await pipeline.publish(webhook, bodies(3, 2))));
    await overflowed(pipeline, webhook, 3);
    assert.equal(await reasonsOf(pipeline, ids), '- - OVERFLOW OVERFLOW OVERFLOW');
  });

  it('keeps the head of an ordered lane, which is in retry', async () => {
    await using receiver = await openReceiver();
    await using pipeline = await openPipeline();
    receiver.answer(status(500));
    const limits = { ordered: true, waitingMax: 3 };
    const webhook = await pipeline.register({ destination: receiver.url, limits, retryPolicy: CALM });
    const ids = await pipeline.publish(webhook, bodies(1));
    await until(async () => ((await pipeline.delivery(ids[0]!)).attemptCount > 0 ? true : undefined));
    ids.push(...(await pipeline.publish(webhook, bodies(5, 1))));
    await overflowed(pipeline, webhook, 3);
    assert.equal(await reasonsOf(pipeline, ids), '- OVERFLOW OVERFLOW OVERFLOW - -');
  });

  for (const [ordered, expected] of [
    [true, '- OVERFLOW OVERFLOW OVERFLOW'],
    [false, 'OVERFLOW OVERFLOW OVERFLOW -'],
  ] as const) {
    const kept = ordered ? 'its head alone, once it is ordered,' : 'none of its oldest';
    it(`keeps ${kept} where all that waits was tried before`, async () => {
      await using receiver = await openReceiver();
      await using pipeline = await openPipeline();
      receiver.answer(status(500));
      const webhook = await pipeline.register({
        destination: receiver.url,
        limits: LIMITS,
        retryPolicy: CALM,
      });
      const ids = await pipeline.publish(webhook, bodies(4));
      await receiver.received(4);
      await until(async () => {
        const found = await Promise.all(ids.map((id) => pipeline.delivery(id)));
        return found.every(({ attemptCount }) => attemptCount === 1) ? true : undefined;
      });
      await limit(pipeline, webhook, { ordered, waitingMax: 1 });
      await overflowed(pipeline, webhook, 3);
      assert.equal(await reasonsOf(pipeline, ids), expected);
    });
  }

  it('overflows within a second of an update that allows it less', async () => {
    await using pipeline = await openPipeline();
    const webhook = await pipeline.register({ destination: NOWHERE, retryPolicy: CALM });
    const name = { namespace: 'default', id: webhook.id };
    await pipeline.control.webhooks.pause(name);
    await pipeline.publish(webhook, bodies(4));
    await limit(pipeline, webhook, { waitingMax: 1 });
    const begun = performance.now();
    await overflowed(pipeline, webhook, 3);
    assert.ok(performance.now() - begun < 3_000);
  });

  it('overflows after a restart with what was accepted before a crash', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-overflow-'));
    t.after(() => rmSync(folder, { recursive: true }));
    const path = join(folder, 'a.db');
    const before = await openStore(path);
    await using first = await openPipeline({ store: before });
    const limits = { waitingMax: 1 };
    const webhook = await first.register({ destination: NOWHERE, limits });
    await first.control.webhooks.pause({ namespace: 'default', id: webhook.id });
    // As if the process had ended between the publication and what follows from it.
    await first.stop(0);
    const ids = await first.publish(webhook, bodies(5));
    assert.equal(await reasonsOf(first, ids), '- - - - -');
    await before.close();
    const after = await openStore(path);
    t.after(() => after.close());
    await using second = await openPipeline({ store: after });
    await overflowed(second, webhook, 4);
    assert.equal(await reasonsOf(second, ids), 'OVERFLOW OVERFLOW OVERFLOW OVERFLOW -');
    await second.stop();
  });

  it('gives up thousands in few steps', async () => {
    await using pipeline = await openPipeline();
    const limits = { waitingMax: 100 };
    const webhook = await pipeline.register({
      destination: NOWHERE,
      limits,
      retryPolicy: CALM,
    });
    await pipeline.control.webhooks.pause({ namespace: 'default', id: webhook.id });
    const ids = await pipeline.publish(webhook, bodies(4_000));
    await overflowed(pipeline, webhook, 3_900);
    assert.equal(await reasonsOf(pipeline, ids.slice(-101)), `OVERFLOW${' -'.repeat(100)}`);
    const lines = pipeline.lines.filter(({ message }) => message.startsWith('deliveries given up'));
    assert.ok(lines.length >= 8 && lines.length < 30, `${lines.length} lines`);
  });
});

function aSurplus(ord: number): Surplus {
  const delivery = aWaitingDelivery(ord);
  return { delivery, eventType: 'order.paid', publicEventId: delivery.eventId };
}

describe('what waits too much', () => {
  it('is given up a batch at a time, at once as long as there is more, and looked for twice a second', async () => {
    const calls: string[] = [];
    const excesses = [700, 200];
    let at = 0;
    const overflow = createOverflow({
      holds: holdsAll,
      store: {
        async overflowing() {
          const excess = excesses.shift();
          calls.push('look');
          return excess === undefined ? [] : [{ webhookId: 'webhook', excess, bound: 9, of: 'WEBHOOK' }];
        },
        async surplus([asked]) {
          calls.push(`read ${asked!.limit}`);
          return [Array.from({ length: asked!.limit }, (_, ord) => aSurplus(ord))];
        },
      },
      directory: {
        async load() {
          calls.push('load');
          return [aWebhook({ id: 'webhook' })];
        },
      },
      lanes: { of: () => emptyLane('webhook', T0, { waiting: 0 }) },
      flights: {
        async giveUpSurplus() {
          calls[calls.length - 1] += '.';
        },
      },
      wake: () => calls.push('wake'),
      clock: { monotonic: () => at },
      steady: { now: () => T0 },
      log: recordingLog().log,
    });
    async function ran(): Promise<string[]> {
      overflow.run();
      await setImmediate();
      return calls.splice(0);
    }
    // The rows are read last: they must be judged before anything more is settled.
    assert.deepEqual(await ran(), ['look', 'load', `read 501${'.'.repeat(500)}`, 'wake']);
    assert.deepEqual(await ran(), ['look', 'load', `read 201${'.'.repeat(200)}`, 'wake']);
    assert.deepEqual(await ran(), ['look']);
    at += 499;
    assert.deepEqual(await ran(), []);
    at += 1;
    assert.deepEqual(await ran(), ['look']);
  });
});
