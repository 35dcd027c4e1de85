import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, type TestContext, test } from 'node:test';
import { openStore } from '../../../src/store/open.ts';
import { aDelivery, aPublication, aRun, aTenant, aWebhook, T0 } from '../../support/store.ts';
import { settlement, sweepAll, waitingOf } from '../conformance/harness.ts';

const DAY = 24 * 60 * 60 * 1000;
/** Tables that hold something however little is kept. */
const ALWAYS = [
  'alive',
  'buckets',
  'identity',
  'journal_kept',
  'last_attempts_entered',
  'namespaces',
  'sqlite_sequence',
];

function aPath(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-leftovers-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'carillon.db');
}

function rowsIn(path: string): Record<string, number> {
  const db = new DatabaseSync(path, { readOnly: true });
  const tables = db.prepare(`SELECT name FROM sqlite_schema WHERE type = 'table'`).all();
  const counts = tables.map(({ name }) => {
    const row = db.prepare(`SELECT count(*) AS count FROM ${name}`).get();
    return [String(name), Number(row?.count)] as const;
  });
  db.close();
  return Object.fromEntries(counts.filter(([name, count]) => count > 0 && !ALWAYS.includes(name)));
}

describe('what a store leaves in its file', () => {
  test('no row of what was swept', async (t) => {
    const path = aPath(t);
    const store = await openStore(path);
    const webhook = aWebhook({ spec: { eventTypes: ['order.*'] } });
    await store.createWebhooks([webhook]);
    const rendered = { body: new TextEncoder().encode('Hi'), contentType: 'text/plain', headers: {} };
    const { event } = aPublication([], { event: { type: 'order.paid', callerId: 'a' } });
    const deliveries = [aDelivery(webhook.id, { format: 'RENDERED', rendered }), aDelivery(webhook.id)];
    const remember = { digest: 'd', until: T0 + 1 };
    await store.publish([{ event, deliveries, dueAt: T0, run: false, remember }]);
    // Enough that the lists are not empty.
    await store.publish(Array.from({ length: 4_000 }, () => aPublication([])));
    await store.replay([{ eventId: event.id, delivery: aDelivery(webhook.id), now: T0 }]);
    const [first] = await waitingOf(store, webhook.id);
    // Enough attempts that the last of the webhook is entered.
    const retries = Array.from({ length: 5_000 }, (_, attempts) =>
      settlement({ ...first!, attempts }, { to: 'PENDING', dueAt: T0 }),
    );
    await store.settle(retries, []);
    await store.settle([settlement({ ...first!, attempts: retries.length })], []);
    await store.removeWebhooks([{ id: webhook.id, now: T0 + 1 }]);
    await sweepAll(store, { now: T0 + 2 * DAY, finishedBefore: T0 + 2 * DAY });
    await store.close();
    assert.deepEqual(rowsIn(path), {});
  });

  test('no row of what a namespace had that was deleted', async (t) => {
    const path = aPath(t);
    const store = await openStore(path);
    const namespace = 'leaving';
    await store.createNamespaces([aTenant(namespace)]);
    const [webhook, gone] = [
      aWebhook({ namespace, callerId: 'shop', spec: { name: 'shop', eventTypes: ['order.*'] } }),
      aWebhook({ namespace, spec: { name: 'gone' } }),
    ];
    await store.createWebhooks([webhook, gone]);
    const rendered = { body: new TextEncoder().encode('Hi'), contentType: 'text/plain', headers: {} };
    const body = new TextEncoder().encode('the name of a tenant who wants to be forgotten');
    const { event } = aPublication([webhook.id], { event: { type: 'order.paid', callerId: 'a', body } });
    const deliveries = [
      aDelivery(webhook.id, { format: 'RENDERED', rendered }),
      aDelivery(webhook.id),
      aDelivery(gone.id),
    ];
    await store.publish([
      { event, deliveries, dueAt: T0, run: false, remember: { digest: 'd', until: T0 + 1 } },
    ]);
    // Enough that the lists are not empty.
    await store.publish(Array.from({ length: 4_000 }, () => aPublication([webhook.id])));
    await store.replay([{ eventId: event.id, delivery: aDelivery(webhook.id), now: T0 }]);
    await store.fireRuns([aRun(webhook)]);
    const [first, second] = await waitingOf(store, webhook.id);
    await store.settle([settlement(first!), settlement(second!, { to: 'PENDING', dueAt: T0 + 1 })], []);
    await store.removeWebhooks([{ id: gone.id, now: T0 + 1 }]);
    const claim = { namespace, requestId: 'r', digest: 'd', now: T0, until: T0 + 1_000 };
    await store.claimRequests([claim]);
    await store.answerRequests([{ namespace, requestId: 'r', answer: new Uint8Array([1]) }]);
    await store.updateNamespaces([
      { namespace: aTenant(namespace, { state: 'DELETING', version: 2 }), ifVersion: 1 },
    ]);
    await sweepAll(store, { now: T0 });
    assert.equal(await store.emptyLog(), true);
    await store.close();
    assert.deepEqual(rowsIn(path), {});
    assert.equal(
      readFileSync(path).includes(Buffer.from(body)),
      false,
      'not even in what is left of its pages',
    );
  });

  test('no byte of headers that were sealed after they had been written in the clear', async (t) => {
    const path = aPath(t);
    const store = await openStore(path);
    const secret = 'the password of a webhook of before';
    // So many that SQLite splits pages, where copies of what moves stay behind, and one that needs pages of its own.
    const values = [...Array.from({ length: 20 }, () => secret), secret.repeat(1_000)];
    const inTheClear = values.map((authorization, i) =>
      aWebhook({
        sealedCredentials: new Uint8Array(),
        spec: { name: `hook-${i}`, headers: { authorization } },
      }),
    );
    await store.createWebhooks(inTheClear);
    const found = await store.unsealedWebhooks(100);
    assert.equal(found.length, inTheClear.length);
    const sealed = found.map(({ spec, ...webhook }) => ({
      ...webhook,
      spec: { ...spec, headers: {} },
      sealedCredentials: new Uint8Array([1, 2, 3]),
    }));
    await store.sealWebhooks(sealed);
    assert.equal(await store.rewrite(), true);
    assert.equal(readFileSync(path).includes(secret), false, 'before the store is closed');
    await store.close();
    assert.equal(readFileSync(path).includes(secret), false);
  });

  test('no byte of data that was purged', async (t) => {
    const path = aPath(t);
    const store = await openStore(path);
    const body = new TextEncoder().encode('the name of a customer who wants to be forgotten');
    const { event } = aPublication([], { event: { body } });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const rendered = { body, contentType: 'text/plain', headers: {} };
    await store.publish([
      { event, deliveries: [aDelivery(webhook.id, { rendered })], dueAt: T0, run: false },
    ]);
    await store.purgeEvents([{ namespace: event.namespace, id: event.id }]);
    await store.close();
    const file = readFileSync(path);
    assert.ok(file.includes(event.id), 'the event itself is kept');
    assert.equal(file.includes(Buffer.from(body)), false);
  });
});
