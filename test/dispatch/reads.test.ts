import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Store } from '../../src/store/store.ts';
import { heldSender } from '../support/held-sender.ts';
import { openPipeline, until } from '../support/pipeline.ts';
import { aPublication, aWebhook, openMemoryStore } from '../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/';

/** A store whose verb fails the first time, as a database can that is out of reach for a moment. */
function failingOnce(store: Store, verb: 'waitingLanes' | 'getWebhooks' | 'topUp' | 'getEventBodies'): Store {
  let failed = false;
  const call = store[verb] as (...args: unknown[]) => Promise<unknown>;
  const once = async (...args: unknown[]): Promise<unknown> => {
    if (failed) return call(...args);
    failed = true;
    throw new Error('out of reach');
  };
  return { ...store, [verb]: once };
}

describe('what the dispatcher reads from the store', () => {
  for (const verb of ['waitingLanes', 'getWebhooks', 'topUp', 'getEventBodies'] as const) {
    it(`is asked for again when the store could not give it (${verb})`, async (t) => {
      const store = await openMemoryStore();
      t.after(() => store.close());
      const before = await openPipeline({ store });
      await before.stop(0);
      const webhook = await before.register({ destination: DESTINATION });
      await before.publish(webhook, ['1', '2', '3']);
      // As after a restart: what was to be handed over is gone.
      await store.pollWaiting();
      const sender = heldSender();
      sender.answerAll(200);
      await using pipeline = await openPipeline({ store: failingOnce(store, verb), sender });
      for (const { state } of await pipeline.finished(webhook)) assert.equal(state, 'SUCCEEDED');
      assert.equal(sender.sent.length, 3);
      assert.ok(pipeline.lines.some(({ fields }) => fields.reason === 'out of reach'));
    });
  }

  it('is every lane after a start, however many there are', async (t) => {
    const store = await openMemoryStore();
    t.after(() => store.close());
    const spec = { destination: DESTINATION };
    const webhooks = Array.from({ length: 1_100 }, () => aWebhook({ secrets: [], spec }));
    await store.createWebhooks(webhooks);
    await store.publish([aPublication(webhooks.map(({ id }) => id))]);
    // As after a restart: what was to be handed over is gone.
    await store.pollWaiting();
    const sender = heldSender();
    sender.answerAll(200);
    await using _pipeline = await openPipeline({ store, sender });
    const sent = await sender.sending(webhooks.length);
    assert.equal(new Set(sent.map(({ headers }) => headers['webhook-id'])).size, webhooks.length);
  });

  it('is not taken for new when it was settled while it was read', async (t) => {
    // Of two rows that become visible at once, one is only named: its lane is to be read.
    const store = await openMemoryStore({ visibleRowsMax: 1 });
    t.after(() => store.close());
    let gate: Promise<void> | undefined;
    let isRead = false;
    const topUp: Store['topUp'] = async (lanes) => {
      const found = await store.topUp(lanes);
      isRead = gate !== undefined;
      await gate;
      return found;
    };
    const sender = heldSender();
    await using pipeline = await openPipeline({ store: { ...store, topUp }, sender });
    const webhook = await pipeline.register({ destination: DESTINATION });
    const [id] = await pipeline.publish(webhook, ['a']);
    await sender.sending(1);
    const { promise, resolve: release } = Promise.withResolvers<void>();
    gate = promise;
    await pipeline.publish(webhook, ['b', 'c']);
    await until(() => (isRead ? true : undefined));
    sender.sent[0]!.answer(200);
    await until(async () => ((await pipeline.delivery(id!)).state === 'SUCCEEDED' ? true : undefined));
    sender.answerAll(200);
    release();
    await pipeline.finished(webhook);
    await pipeline.stop();
    assert.deepEqual(sender.sent.map(({ body }) => body).toSorted(), ['a', 'b', 'c']);
  });
});
