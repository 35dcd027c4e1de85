import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import { noProblems } from '../../src/domain/problems.ts';
import type { AskedSpec } from '../../src/domain/webhook/asked.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { openStore } from '../../src/store/open.ts';
import { type HeldSender, heldSender } from '../support/held-sender.ts';
import { LIMITS, openPipeline, type Pipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { temporaryFolder } from '../support/server.ts';
import { aDelivery, testId } from '../support/store.ts';

/** Order is by the time at which a delivery first became due, and only a retry of what was due holds the lane. */

const HOUR = 3_600_000;
const DESTINATION = 'http://127.0.0.1:9999/';
const ORDERED: Partial<AskedSpec> = {
  limits: { ...LIMITS, ordered: true },
  retryPolicy: { ...QUICK_RETRIES, delaysMs: [HOUR] },
};

function numbers(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => String(from + i));
}

function bodies({ sent }: HeldSender): string[] {
  return sent.map(({ body }) => body);
}

/** Long enough for the dispatcher to send what it was going to send. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60));
}

function inAWhile(ms: number): { readonly dueAt: number } {
  return { dueAt: systemClock.now() + ms };
}

async function attempted(pipeline: Pipeline, id: string): Promise<void> {
  await until(async () => ((await pipeline.delivery(id)).attemptCount > 0 ? true : undefined));
}

/** Publishes one whose first attempt fails, so that it waits for its retry. */
async function headInRetry(pipeline: Pipeline, sender: HeldSender, webhook: Webhook): Promise<string> {
  const [head] = await pipeline.publish(webhook, ['head']);
  await sender.sending(1);
  sender.open[0]!.answer(500);
  await attempted(pipeline, head!);
  return head!;
}

function retry(pipeline: Pipeline, id: string) {
  return pipeline.store.retryDeliveries([{ namespace: 'default', id, now: systemClock.now() }]);
}

/** Runs something with a pipeline over a store in a file, which it may start anew. */
async function overRestarts(
  work: (open: () => Promise<{ pipeline: Pipeline; sender: HeldSender }>) => Promise<void>,
): Promise<void> {
  await using folder = await temporaryFolder();
  let stop: (() => Promise<void>) | undefined;
  const open = async () => {
    await stop?.();
    const store = await openStore(join(folder.path, 'carillon.db'), { lingerMs: 0 });
    const sender = heldSender();
    const pipeline = await openPipeline({ store, sender });
    stop = async () => {
      stop = undefined;
      await pipeline.stop(0);
      await store.close();
    };
    return { pipeline, sender };
  };
  try {
    await work(open);
  } finally {
    await stop?.();
  }
}

describe('an event that is published with a delay to an ordered webhook', () => {
  it('does not hold back what came after it and is due before it', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION, ...ORDERED });
    await pipeline.publish(webhook, ['delayed'], inAWhile(HOUR));
    await pipeline.publish(webhook, ['a', 'b']);
    sender.answerAll(200);
    await sender.sending(2);
    assert.deepEqual(bodies(sender), ['a', 'b']);
  });

  it('takes its place when it is due', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION, ...ORDERED });
    await pipeline.publish(webhook, ['second'], inAWhile(120));
    await pipeline.publish(webhook, ['first']);
    await sender.sending(1);
    await new Promise((resolve) => setTimeout(resolve, 150));
    await pipeline.publish(webhook, ['third']);
    sender.answerAll(200);
    sender.open[0]!.answer(200);
    await sender.sending(3);
    assert.deepEqual(bodies(sender), ['first', 'second', 'third']);
  });

  it('takes its place while the first waits for its retry, before what became due after it', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION, ...ORDERED });
    const head = await headInRetry(pipeline, sender, webhook);
    await pipeline.publish(webhook, ['b'], inAWhile(80));
    await pipeline.publish(webhook, ['a']);
    await new Promise((resolve) => setTimeout(resolve, 100));
    await pipeline.publish(webhook, ['c']);
    await aWhile();
    assert.deepEqual(bodies(sender), ['head']);
    sender.answerAll(200);
    assert.deepEqual(await retry(pipeline, head), ['RETRIED']);
    await sender.sending(5);
    assert.deepEqual(bodies(sender), ['head', 'head', 'a', 'b', 'c']);
  });

  it('does not hold back anything, however many of them there are', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION, ...ORDERED });
    sender.answerAll(200);
    await pipeline.publish(webhook, ['a']);
    await sender.sending(1);
    await pipeline.publish(webhook, numbers(0, 1_100), inAWhile(HOUR));
    await aWhile();
    await pipeline.publish(webhook, ['b', 'c']);
    await sender.sending(3);
    await pipeline.publish(webhook, ['d']);
    await sender.sending(4);
    assert.deepEqual(bodies(sender), ['a', 'b', 'c', 'd']);
  });
});

describe('an ordered webhook of which more waits than memory holds', () => {
  it('is held by its first, which waits for a retry, and keeps its order through a restart', async () => {
    await overRestarts(async (open) => {
      const before = await open();
      const webhook = await before.pipeline.register({ destination: DESTINATION, ...ORDERED });
      const head = await headInRetry(before.pipeline, before.sender, webhook);
      await before.pipeline.publish(webhook, ['delayed'], inAWhile(HOUR));
      await before.pipeline.publish(webhook, numbers(0, 600));
      await before.pipeline.publish(webhook, numbers(600, 1_200));
      await aWhile();
      assert.deepEqual(bodies(before.sender), ['head']);
      const { pipeline, sender } = await open();
      await pipeline.publish(webhook, ['last']);
      await aWhile();
      assert.deepEqual(bodies(sender), []);
      sender.answerAll(200);
      await retry(pipeline, head);
      await sender.sending(1_202);
      await aWhile();
      assert.deepEqual(bodies(sender), ['head', ...numbers(0, 1_200), 'last']);
    });
  });
});

describe('a webhook that becomes ordered while its backlog is in retry', () => {
  it('goes on by the times at which that first became due, whatever is to be retried when', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({
      destination: DESTINATION,
      limits: { concurrency: 4 },
      retryPolicy: { ...QUICK_RETRIES, delaysMs: [HOUR] },
    });
    const ids = await pipeline.publish(webhook, numbers(0, 4));
    await sender.sending(4);
    // In another order than that in which they came, so that their retries are due in that order.
    for (const i of [2, 1, 3, 0]) {
      sender.sent.find(({ body }) => body === String(i))!.answer(404);
      await attempted(pipeline, ids[i]!);
    }
    await pipeline.control.webhooks.update({ namespace: 'default', id: webhook.id }, ({ spec }) => ({
      spec: { ...spec, limits: { ordered: true } },
      touched: new Set(['limits']),
      problems: noProblems(),
    }));
    await pipeline.publish(webhook, ['4']);
    await aWhile();
    assert.equal(sender.sent.length, 4);
    sender.answerAll(200);
    for (const id of [ids[3]!, ids[1]!, ids[2]!]) await retry(pipeline, id);
    await aWhile();
    assert.equal(sender.sent.length, 4);
    await retry(pipeline, ids[0]!);
    await sender.sending(9);
    assert.deepEqual(bodies(sender).slice(4), numbers(0, 5));
  });
});

describe('what is sent once more in an ordered webhook', () => {
  it('has its place behind what waits already, if it is a replay', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION, ...ORDERED });
    const [first] = await pipeline.publish(webhook, ['replayed']);
    await sender.sending(1);
    await pipeline.publish(webhook, ['a', 'b']);
    const { id: eventId } = { id: (await pipeline.delivery(first!)).eventId };
    const replay = {
      eventId,
      delivery: aDelivery(webhook.id, { id: testId('delivery') }),
      now: systemClock.now(),
    };
    assert.deepEqual(await pipeline.store.replay([replay]), ['REPLAYED']);
    sender.answerAll(200);
    sender.open[0]!.answer(200);
    await sender.sending(4);
    assert.deepEqual(bodies(sender), ['replayed', 'a', 'b', 'replayed']);
  });

  it('has the place that it had, if a caller has it sent again by hand', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({
      destination: DESTINATION,
      ...ORDERED,
      retryPolicy: { ...QUICK_RETRIES, maxAttempts: 1 },
    });
    const ids = await pipeline.publish(webhook, ['a', 'b', 'c', 'd']);
    for (let sent = 1; sent <= 2; sent++) {
      await sender.sending(sent);
      sender.open[0]!.answer(500);
    }
    // While the third is in flight: the two that failed go before the fourth, and in their order.
    await sender.sending(3);
    for (const id of [ids[1]!, ids[0]!]) assert.deepEqual(await retry(pipeline, id), ['RETRIED']);
    sender.answerAll(200);
    sender.open[0]!.answer(200);
    await sender.sending(6);
    assert.deepEqual(bodies(sender), ['a', 'b', 'c', 'a', 'b', 'd']);
  });

  it('goes at once if it is a delayed one that a caller has sent now', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION, ...ORDERED });
    const [id] = await pipeline.publish(webhook, ['delayed'], inAWhile(HOUR));
    await aWhile();
    await retry(pipeline, id!);
    await sender.sending(1);
    assert.deepEqual(bodies(sender), ['delayed']);
  });
});
