import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDirectory } from '../../src/store/directory.ts';
import { aWebhook, openMemoryStore, T0 } from '../support/store.ts';

describe('the directory', () => {
  it('reads a webhook once and keeps it', async () => {
    await using closing = await opened();
    const { store, reads } = closing;
    const directory = createDirectory({ store });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    assert.deepEqual(await directory.load([webhook.id, 'wh_unknown']), [webhook, undefined]);
    assert.deepEqual(await directory.load([webhook.id]), [webhook]);
    assert.deepEqual(directory.peek(webhook.id), webhook);
    assert.equal(reads(), 1);
  });

  it('forgets what changed, and tells its listeners', async () => {
    await using closing = await opened();
    const { store } = closing;
    const directory = createDirectory({ store });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    await directory.refresh();
    await directory.load([webhook.id]);
    const heard: unknown[] = [];
    directory.onChange((changed) => heard.push(changed));
    const changed = aWebhook({ ...webhook, spec: { ...webhook.spec, timeoutMs: 1 }, version: 2 });
    await store.updateWebhooks([{ webhook: changed, ifVersion: 1 }]);
    assert.equal(await directory.refresh(), 1);
    assert.deepEqual(heard, [[webhook.id]]);
    assert.equal(directory.peek(webhook.id), undefined);
    assert.deepEqual(await directory.load([webhook.id]), [changed]);
  });

  it('does not keep what was read while something changed', async () => {
    await using closing = await opened();
    const { store } = closing;
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const reading = Promise.withResolvers<void>();
    const read = Promise.withResolvers<void>();
    const directory = createDirectory({
      store: {
        ...store,
        async getWebhooks(ids) {
          const found = await store.getWebhooks(ids);
          read.resolve();
          await reading.promise;
          return found;
        },
      },
    });
    const loading = directory.load([webhook.id]);
    await read.promise;
    await store.updateWebhooks([{ webhook: { ...webhook, version: 2 }, ifVersion: 1 }]);
    await directory.refresh();
    reading.resolve();
    assert.deepEqual(await loading, [webhook]);
    assert.equal(directory.peek(webhook.id), undefined);
  });

  it('loads what was registered, changed or removed before, without being refreshed', async () => {
    await using closing = await opened();
    const { store } = closing;
    const directory = createDirectory({ store });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    assert.deepEqual(await directory.load([webhook.id]), [webhook]);
    const changed = aWebhook({ ...webhook, spec: { ...webhook.spec, timeoutMs: 1 }, version: 2 });
    await store.updateWebhooks([{ webhook: changed, ifVersion: 1 }]);
    assert.deepEqual(await directory.load([webhook.id]), [changed]);
    await store.removeWebhooks([{ id: webhook.id, now: T0 }]);
    assert.deepEqual(await directory.load([webhook.id]), [undefined]);
  });

  it('sees a change although a refresh was under way that is too early for it', async () => {
    await using closing = await opened();
    const { store } = closing;
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const polled = Promise.withResolvers<void>();
    let polls = 0;
    const directory = createDirectory({
      store: {
        ...store,
        async pollWebhooks() {
          const poll = await store.pollWebhooks();
          if (++polls === 2) await polled.promise;
          return poll;
        },
      },
    });
    await directory.load([webhook.id]);
    const early = directory.refresh();
    const changed = aWebhook({ ...webhook, spec: { ...webhook.spec, timeoutMs: 1 }, version: 2 });
    await store.updateWebhooks([{ webhook: changed, ifVersion: 1 }]);
    const loads = [directory.load([webhook.id]), directory.load([webhook.id])];
    polled.resolve();
    assert.deepEqual(await Promise.all(loads), [[changed], [changed]]);
    await early;
    assert.equal(polls, 3);
  });

  it('tells its listeners what it finds while loading', async () => {
    await using closing = await opened();
    const { store } = closing;
    const directory = createDirectory({ store });
    const heard: unknown[] = [];
    directory.onChange((changed) => heard.push(changed));
    const [loaded, other] = [aWebhook(), aWebhook()];
    await store.createWebhooks([loaded, other]);
    await directory.load([loaded.id]);
    assert.deepEqual(heard, [[loaded.id, other.id]]);
  });

  it('asks for changes at every load where the store cannot say that there are none', async () => {
    await using closing = await opened();
    const { store } = closing;
    let polls = 0;
    const directory = createDirectory({
      store: {
        ...store,
        webhookEpoch: () => undefined,
        pollWebhooks() {
          polls++;
          return store.pollWebhooks();
        },
      },
    });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    await directory.load([webhook.id]);
    await directory.load([webhook.id]);
    assert.equal(polls, 2);
    assert.equal(closing.reads(), 1);
  });

  it('asks for nothing while nothing changed', async () => {
    await using closing = await opened();
    const { store } = closing;
    let polls = 0;
    const directory = createDirectory({
      store: {
        ...store,
        pollWebhooks() {
          polls++;
          return store.pollWebhooks();
        },
      },
    });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    for (let i = 0; i < 3; i++) await directory.load([webhook.id]);
    assert.equal(polls, 1);
    assert.equal(closing.reads(), 1);
  });

  it('forgets everything when changes were left out', async () => {
    await using closing = await opened({ changedMax: 2 });
    const { store } = closing;
    const directory = createDirectory({ store });
    const kept = aWebhook();
    await store.createWebhooks([kept]);
    await directory.refresh();
    await directory.load([kept.id]);
    const heard: unknown[] = [];
    directory.onChange((changed) => heard.push(changed));
    await store.createWebhooks([aWebhook(), aWebhook(), aWebhook()]);
    await directory.refresh();
    assert.deepEqual(heard, ['ALL']);
    assert.equal(directory.peek(kept.id), undefined);
  });

  it('stays within its bound', async () => {
    await using closing = await opened();
    const { store } = closing;
    const directory = createDirectory({ store, bytesMax: 10_000 });
    const webhooks = Array.from({ length: 50 }, () => aWebhook());
    await store.createWebhooks(webhooks);
    const loaded = await directory.load(webhooks.map(({ id }) => id));
    assert.deepEqual(loaded, webhooks);
    const kept = webhooks.filter(({ id }) => directory.peek(id) !== undefined);
    assert.ok(kept.length > 0 && kept.length < 10);
    assert.deepEqual(kept.at(-1), webhooks.at(-1));
  });

  it('notes where a firing moved the cursor', async () => {
    await using closing = await opened();
    const { store } = closing;
    const directory = createDirectory({ store });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    await directory.load([webhook.id]);
    directory.advance(webhook.id, { ...webhook.cursor, fired: 9 });
    assert.equal(directory.peek(webhook.id)!.cursor.fired, 9);
  });
});

async function opened(options: { changedMax?: number } = {}) {
  const store = await openMemoryStore(options);
  let reads = 0;
  const counted = {
    ...store,
    getWebhooks(ids: readonly string[]) {
      reads++;
      return store.getWebhooks(ids);
    },
  };
  return { store: counted, reads: () => reads, [Symbol.asyncDispose]: () => store.close() };
}
