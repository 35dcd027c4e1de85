import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createDirectory } from '../../src/store/directory.ts';
import { aWebhook, openMemoryStore } from '../support/store.ts';

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
    const changed = { ...webhook, spec: { ...webhook.spec, timeoutMs: 1 }, version: 2 };
    await store.updateWebhooks([{ webhook: changed, ifVersion: 1 }]);
    assert.equal(await directory.refresh(), 1);
    assert.deepEqual(heard, [[webhook.id]]);
    assert.equal(directory.peek(webhook.id), undefined);
    assert.deepEqual(await directory.load([webhook.id]), [changed]);
  });

  it('does not keep what was read while something changed', async () => {
    await using closing = await opened();
    const { store } = closing;
    const directory = createDirectory({ store });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const reading = directory.load([webhook.id]);
    await directory.refresh();
    await reading;
    assert.equal(directory.peek(webhook.id), undefined);
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
