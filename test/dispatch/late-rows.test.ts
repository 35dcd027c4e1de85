import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { systemClock } from '../../src/domain/clock.ts';
import type { Store } from '../../src/store/store.ts';
import { heldSender } from '../support/held-sender.ts';
import { openPipeline, type Pipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { openReceiver, status } from '../support/receiver.ts';
import { openMemoryStore } from '../support/store.ts';

interface LatePolls extends AsyncDisposable {
  readonly pipeline: Pipeline;
  /** From now on polls wait; returns a way to let them go on. */
  hold(): () => void;
}

/** A pipeline whose polls can be made to come late, as those of a busy store do. */
async function openLatePolls(): Promise<LatePolls> {
  const store = await openMemoryStore();
  let gate: Promise<void> | undefined;
  const pollWaiting: Store['pollWaiting'] = async () => {
    await gate;
    return store.pollWaiting();
  };
  const pipeline = await openPipeline({ store: { ...store, pollWaiting } });
  return {
    pipeline,
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>();
      gate = promise;
      return resolve;
    },
    async [Symbol.asyncDispose]() {
      await pipeline.stop(0);
      await store.close();
    },
  };
}

describe('a row that is handed over late', () => {
  it('is not sent again when its delivery was settled before', async () => {
    await using receiver = await openReceiver();
    await using late = await openLatePolls();
    const { pipeline, hold } = late;
    const answers: (() => void)[] = [];
    receiver.answer(({ response }) => void answers.push(() => response.end()));
    const webhook = await pipeline.register({ destination: receiver.url });
    const [id] = await pipeline.publish(webhook, ['once']);
    await receiver.received(1);
    const release = hold();
    // It is in flight: the store hands its row over once more, as it is now.
    const order = { namespace: webhook.namespace, id: id!, now: systemClock.now() };
    assert.deepEqual(await pipeline.store.retryDeliveries([order]), ['RETRIED']);
    answers[0]!();
    await until(async () => ((await pipeline.delivery(id!)).state === 'SUCCEEDED' ? true : undefined));
    release();
    receiver.answer(status(200));
    await pipeline.publish(webhook, ['after it']);
    await pipeline.finished(webhook);
    await pipeline.stop();
    assert.deepEqual(
      receiver.requests.map(({ body }) => body.toString()),
      ['once', 'after it'],
    );
  });

  it('is sent at once when a caller wished so after its failure was on disk, and before that is known', async (t) => {
    const store = await openMemoryStore();
    t.after(() => store.close());
    const gate = Promise.withResolvers<void>();
    const settle: Store['settle'] = async (...batch) => {
      const results = await store.settle(...batch);
      await gate.promise;
      return results;
    };
    const sender = heldSender();
    await using pipeline = await openPipeline({ store: { ...store, settle }, sender });
    const retryPolicy = { ...QUICK_RETRIES, delaysMs: [50_000] };
    const webhook = await pipeline.register({ destination: 'http://127.0.0.1:9999/', retryPolicy });
    const [id] = await pipeline.publish(webhook, ['x']);
    const [first] = await sender.sending(1);
    first!.answer(404);
    await until(async () => ((await pipeline.delivery(id!)).attemptCount === 1 ? true : undefined));
    const order = { namespace: webhook.namespace, id: id!, now: systemClock.now() };
    assert.deepEqual(await pipeline.store.retryDeliveries([order]), ['RETRIED']);
    // Time for the row to be handed over, with one attempt more than is known here.
    await new Promise((resolve) => setTimeout(resolve, 100));
    gate.resolve();
    const [, second] = await sender.sending(2);
    assert.equal(second!.headers['carillon-attempt'], '2');
  });

  it('is sent when a caller had its delivery sent again after it was settled', async () => {
    await using receiver = await openReceiver();
    await using late = await openLatePolls();
    const { pipeline, hold } = late;
    const answers: (() => void)[] = [];
    receiver.answer(({ response }) => void answers.push(() => response.writeHead(404).end()));
    const retryPolicy = { ...QUICK_RETRIES, maxAttempts: 1 };
    const webhook = await pipeline.register({ destination: receiver.url, retryPolicy });
    const [id] = await pipeline.publish(webhook, ['twice']);
    await receiver.received(1);
    const release = hold();
    answers[0]!();
    await until(async () => ((await pipeline.delivery(id!)).state === 'FAILED' ? true : undefined));
    const order = { namespace: webhook.namespace, id: id!, now: systemClock.now() };
    assert.deepEqual(await pipeline.store.retryDeliveries([order]), ['RETRIED']);
    receiver.answer(status(200));
    release();
    const [delivery] = await pipeline.finished(webhook);
    assert.deepEqual([delivery!.state, delivery!.attemptCount], ['SUCCEEDED', 2]);
  });
});
