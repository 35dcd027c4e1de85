import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { runEventId } from '../../src/domain/id.ts';
import type { AskedSpec } from '../../src/domain/webhook/asked.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { openStore } from '../../src/store/open.ts';
import { heldSender } from '../support/held-sender.ts';
import { LIMITS, openPipeline, type Pipeline, QUICK_RETRIES } from '../support/pipeline.ts';
import { temporaryFolder } from '../support/server.ts';
import { aDelivery, anEvent, aRun, T0 } from '../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/';

/** Has a backfill of so many runs wait in turn, and returns their delivery ids. */
async function backfill(pipeline: Pipeline, webhook: Webhook, count: number): Promise<string[]> {
  const runs = Array.from({ length: count }, (_, i) => ({
    event: anEvent({ nominalAt: T0 + i, body: new TextEncoder().encode(String(i)) }),
    delivery: aDelivery(webhook.id),
  }));
  const { id: webhookId, version } = webhook;
  const order = { webhookId, version, takeTurns: 'APART', waitingMax: 100, now: Date.now(), runs } as const;
  assert.deepEqual(await pipeline.store.backfillRuns([order]), [runs.map(() => 'FIRED')]);
  return runs.map(({ delivery }) => delivery.id);
}

/** Fires so many runs of the webhook's schedule, as the scheduler does with overlap BUFFER, one firing each. */
async function fire({ store }: Pipeline, webhook: Webhook, count: number): Promise<void> {
  let { cursor } = webhook;
  for (let i = 0; i < count; i++) {
    const nominalAt = cursor.nominalAt!;
    const event = anEvent({
      id: runEventId(webhook.id, nominalAt),
      nominalAt,
      body: new TextEncoder().encode(`scheduled ${i}`),
    });
    const runs = [{ event, delivery: aDelivery(webhook.id) }];
    const firing = aRun({ ...webhook, cursor }, { overlap: 'BUFFER', now: Date.now(), runs });
    assert.deepEqual(await store.fireRuns([firing]), ['FIRED']);
    cursor = firing.to;
  }
}

/** Long enough for the dispatcher to do whatever it was going to do. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 60));
}

describe('runs that take turns', () => {
  const lanes: Readonly<Record<string, Partial<AskedSpec>>> = {
    'a lane without order': {},
    'an ordered lane': { limits: { ...LIMITS, ordered: true } },
  };
  for (const [lane, spec] of Object.entries(lanes)) {
    it(`are sent one after the other in ${lane}, however much it may send at once`, async () => {
      const sender = heldSender();
      await using pipeline = await openPipeline({ sender });
      const webhook = await pipeline.register({ destination: DESTINATION, ...spec });
      await backfill(pipeline, webhook, 4);
      for (let sent = 1; sent <= 4; sent++) {
        await sender.sending(sent);
        await aWhile();
        assert.equal(sender.sent.length, sent);
        sender.open[0]!.answer(200);
      }
      const states = (await pipeline.finished(webhook)).map(({ state }) => state);
      assert.deepEqual(states, Array(4).fill('SUCCEEDED'));
      assert.deepEqual(
        sender.sent.map(({ body }) => body),
        ['0', '1', '2', '3'],
      );
    });
  }

  it('are those of a schedule too: each goes when the one before is finished, whatever came of it', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const schedule = { when: { kind: 'every', periodMs: 3_600_000 }, overlap: 'BUFFER' } as const;
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 1 };
    const webhook = await pipeline.register({ destination: DESTINATION, schedule, retryPolicy });
    await fire(pipeline, webhook, 3);
    for (const [i, status] of [200, 500, 200].entries()) {
      await sender.sending(i + 1);
      await aWhile();
      assert.equal(sender.sent.length, i + 1);
      sender.open[0]!.answer(status);
    }
    const finished = await pipeline.finished(webhook);
    assert.deepEqual(
      finished.map(({ state }) => state),
      ['SUCCEEDED', 'FAILED', 'SUCCEEDED'],
    );
    assert.deepEqual(
      sender.sent.map(({ body }) => body),
      ['scheduled 0', 'scheduled 1', 'scheduled 2'],
    );
  });

  it('wait until the one before has failed for good, and not only once', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 2 };
    const webhook = await pipeline.register({ destination: DESTINATION, retryPolicy });
    await backfill(pipeline, webhook, 2);
    for (let attempt = 1; attempt <= 2; attempt++) {
      await sender.sending(attempt);
      sender.open[0]!.answer(500);
    }
    await sender.sending(3);
    sender.answerAll(200);
    sender.open[0]!.answer(200);
    await pipeline.finished(webhook);
    assert.deepEqual(
      sender.sent.map(({ body }) => body),
      ['0', '0', '1'],
    );
  });

  it('let events go beside them', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION });
    await backfill(pipeline, webhook, 2);
    await sender.sending(1);
    await pipeline.publish(webhook, ['event']);
    await sender.sending(2);
    assert.deepEqual(
      sender.sent.map(({ body }) => body),
      ['0', 'event'],
    );
  });

  it('go on when one is cancelled before its turn, and when the one under way is', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION });
    const [first, second] = await backfill(pipeline, webhook, 4);
    await sender.sending(1);
    const orders = [second!, first!].map((id) => ({ namespace: webhook.namespace, id, now: Date.now() }));
    await pipeline.store.cancelDeliveries(orders);
    await aWhile();
    assert.equal(sender.sent.length, 1);
    sender.open[0]!.answer(500);
    sender.answerAll(200);
    const finished = await pipeline.finished(webhook);
    assert.deepEqual(
      finished.map(({ state }) => state),
      ['CANCELLED', 'CANCELLED', 'SUCCEEDED', 'SUCCEEDED'],
    );
  });

  it('go on after the process was stopped in the middle', async () => {
    await using folder = await temporaryFolder();
    const path = join(folder.path, 'carillon.db');
    const webhook = await stoppedInTheMiddle(path);
    const store = await openStore(path);
    try {
      const sender = heldSender();
      await using pipeline = await openPipeline({ store, sender });
      for (let sent = 1; sent <= 3; sent++) {
        await sender.sending(sent);
        await aWhile();
        assert.equal(sender.sent.length, sent);
        sender.open[0]!.answer(200);
      }
      await pipeline.finished(webhook);
      assert.deepEqual(
        sender.sent.map(({ body }) => body),
        ['0', '1', '2'],
      );
    } finally {
      await store.close();
    }
  });
});

/** Leaves three runs in a file, of which the first is under way and the others are held. */
async function stoppedInTheMiddle(path: string): Promise<Webhook> {
  const store = await openStore(path);
  try {
    const sender = heldSender();
    await using pipeline = await openPipeline({ store, sender });
    const webhook = await pipeline.register({ destination: DESTINATION });
    await backfill(pipeline, webhook, 3);
    await sender.sending(1);
    return webhook;
  } finally {
    await store.close();
  }
}
