import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { MOVED_NAMES, type MovedName, type MovedRow } from '../../../src/store/moved.ts';
import type { Store } from '../../../src/store/store.ts';
import { aDelivery, anAttempt, aPublication, aRun, aTenant, keyOf, T0 } from '../../support/store.ts';
import { type Harness, publishTo, register, settlement, waitingOf } from './harness.ts';

const FILE = { file: 'digest', since: T0 };
type Moved = Readonly<Record<MovedName, readonly MovedRow[]>>;

/** All rows of a store, and whether each kind has as many as were counted. */
async function exported(store: Store, history: boolean): Promise<Moved> {
  const counts = await store.beginExport(history);
  const all = {} as Record<MovedName, MovedRow[]>;
  for (const kind of MOVED_NAMES) {
    all[kind] = [];
    let next: Awaited<ReturnType<Store['exportPart']>>['next'] | undefined;
    do {
      const part: Awaited<ReturnType<Store['exportPart']>> = await store.exportPart({
        ...{ kind, history },
        after: next ?? undefined,
      });
      all[kind].push(...part.rows);
      next = part.next;
    } while (next !== null);
    assert.equal(all[kind].length, counts[kind], kind);
  }
  return all;
}

async function imported(store: Store, rows: Moved): Promise<void> {
  assert.equal(await store.beginImport(FILE), 0);
  let from = 0;
  for (const kind of MOVED_NAMES) {
    const to = from + rows[kind].length;
    assert.equal(await store.importRows({ ...FILE, kind, rows: rows[kind], from, to }), to);
    from = to;
  }
  while (!(await store.finishImport()));
}

/** A store with something of every kind: what waits, what is finished, a replay, a run, and what was rendered. */
async function filled(open: Harness['open']) {
  const store = await open();
  const namespace = 'moved';
  await store.createNamespaces([aTenant(namespace)]);
  const webhook = await register(store, { namespace, callerId: 'mine', spec: { eventTypes: ['a.b'] } });
  const [done, retried] = await publishTo(store, webhook, 2, { event: { type: 'a.b' } });
  const callers = {
    event: { namespace, type: 'a.b', callerId: 'theirs' },
    remember: { digest: 'd', until: T0 + 9 },
  };
  await publishTo(store, webhook, 1, callers);
  const rendered = aPublication([webhook.id], { event: { namespace, type: 'a.b' } });
  const made = { headers: { x: 'y' }, contentType: 'text/plain', body: Uint8Array.of(0, 255, 128) };
  const delivery = aDelivery(webhook.id, { format: 'RENDERED', rendered: made } as never);
  await store.publish([{ ...rendered, deliveries: [delivery] }]);
  await store.fireRuns([aRun(webhook)]);
  await store.settle([settlement(done!), settlement(retried!, { to: 'PENDING', dueAt: T0 + 5 })], []);
  const removed = await register(store, { namespace });
  await store.removeWebhooks([{ id: removed.id, now: T0 }]);
  await store.keepNamespaceKeys([
    { namespace, id: 'k', publicKey: Uint8Array.of(1), sealed: Uint8Array.of(2), createdAt: T0 },
  ]);
  const name = { namespace, requestId: 'call' };
  await store.claimRequests([{ ...name, digest: 'd', now: T0, until: T0 + 1 }]);
  await store.answerRequests([{ ...name, answer: Uint8Array.of(3) }]);
  return { store, webhook, done: done!, retried: retried!, rendered: delivery };
}

/** How everything that a store has goes out of it and into another of its kind. */
export function moving({ name, open, reopen }: Harness): void {
  if (reopen === undefined) return;
  describe(`${name}: moving`, () => {
    test('gives back all that it took in, with history, in a store that goes on with it', async () => {
      const { store, webhook, done, retried, rendered } = await filled(open);
      const rows = await exported(store, true);
      const empty = MOVED_NAMES.filter((kind) => rows[kind].length === 0);
      assert.deepEqual(empty, ['api_keys', 'audit_entries', 'alive']);
      const filling = await open();
      await imported(filling, rows);
      assert.deepEqual(await exported(filling, true), rows);
      assert.deepEqual(await filling.getStandby(), { reason: 'IMPORTING', since: T0 });
      const other = await reopen(filling);
      assert.deepEqual(await waitingOf(other, webhook.id), await waitingOf(store, webhook.id));
      for (const { id } of [done, retried]) {
        assert.deepEqual(await other.getDelivery(keyOf(id)), await store.getDelivery(keyOf(id)));
      }
      assert.deepEqual(await other.getRendered([rendered.id]), await store.getRendered([rendered.id]));
      assert.deepEqual(await other.getWebhooks([webhook.id]), await store.getWebhooks([webhook.id]));
      assert.deepEqual(await other.getTraffic([webhook.id]), await store.getTraffic([webhook.id]));
      const listed = { namespace: webhook.namespace, limit: 100 };
      assert.deepEqual(await other.listDeliveries(listed), await store.listDeliveries(listed));
      assert.deepEqual(await other.listEvents(listed), await store.listEvents(listed));
      // No place is given twice.
      const [next] = await publishTo(other, webhook, 1);
      assert.ok(next!.ord > Math.max(...rows.deliveries.map((row) => Number(row[1]))));
      await other.settle([{ ...settlement(retried), attempt: anAttempt(2) }], []);
      assert.equal((await other.getDelivery(keyOf(retried.id)))?.attempts.length, 2);
      await Promise.all([store.close(), other.close()]);
    });

    test('leaves behind what is finished, without history, and keeps the ids that are taken', async () => {
      const { store, webhook, done, retried } = await filled(open);
      const [named] = (await publishTo(store, webhook, 1, {
        event: { callerId: 'finished' },
        remember: { digest: 'same', until: T0 + 99 },
      })) as [typeof done];
      await store.settle([settlement(named)], []);
      const rows = await exported(store, false);
      const filling = await open();
      await imported(filling, rows);
      assert.deepEqual(await exported(filling, true), rows);
      const other = await reopen(filling);
      assert.equal(await other.getDelivery(keyOf(done.id)), undefined);
      assert.deepEqual(
        await other.getDelivery(keyOf(retried.id)),
        await store.getDelivery(keyOf(retried.id)),
      );
      assert.deepEqual(await waitingOf(other, webhook.id), await waitingOf(store, webhook.id));
      const again = aPublication([webhook.id], {
        event: { namespace: webhook.namespace, callerId: 'finished' },
        remember: { digest: 'same', until: T0 + 99 },
      });
      const [known] = await other.publish([again]);
      assert.equal(known?.kind, 'DUPLICATE', JSON.stringify(known));
      // Whoever follows what happened is told that there is a gap.
      assert.equal(await other.changesSince({ namespace: webhook.namespace, after: 0, limit: 10 }), 'GAP');
      await Promise.all([store.close(), other.close()]);
    });

    test('goes on where an import was broken off, and enters no row twice', async () => {
      const { store } = await filled(open);
      const rows = await exported(store, true);
      const first = await open();
      assert.equal(await first.beginImport(FILE), 0);
      const part = { ...FILE, kind: 'namespaces', rows: rows.namespaces, from: 0, to: 7 } as const;
      assert.equal(await first.importRows(part), 7);
      assert.equal(await first.importRows(part), 7, 'the same, once more');
      const second = await reopen(first);
      assert.equal(await second.beginImport({ file: 'other', since: T0 }), 'OTHER');
      assert.equal(await second.beginImport(FILE), 7);
      assert.equal((await second.beginExport(true)).namespaces, rows.namespaces.length);
      assert.equal(await store.beginImport(FILE), 'FILLED');
      assert.equal(await store.getStandby(), undefined);
      await Promise.all([store.close(), second.close()]);
    });
  });
}
