import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { openStore } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { T0 } from '../../support/store.ts';

/**
 * Files as former versions left them, each opened by this one. What is in them was written by those
 * versions: a webhook on a schedule, one for events that is paused and has a delivery waiting, one that was
 * removed, and the event `order-7`.
 */
const TESTDATA = join(import.meta.dirname, '../../testdata');
const RINGS = 'wh_01KDVDPC000000000000000001';
const LISTENS = 'wh_01KDVDPC000000000000000002';
const GONE = 'wh_01KDVDPC000000000000000003';

const folder = mkdtempSync(join(tmpdir(), 'carillon-migrations-'));
after(() => rmSync(folder, { recursive: true }));

async function opened(name: string): Promise<Store> {
  const path = join(folder, `${name}.db`);
  writeFileSync(path, gunzipSync(readFileSync(join(TESTDATA, `${name}.sqlite.gz`))));
  return openStore(path);
}

for (const name of ['store-0002']) {
  describe(`a database as ${name} has it`, () => {
    test('opens with its registrations, known by the ids that they had', async () => {
      await using store = disposable(await opened(name));
      const found = await store.resolveWebhooks(
        [RINGS, LISTENS, GONE].map((id) => ({ namespace: 'default', id })),
      );
      assert.deepEqual(
        found.map((webhook) => webhook?.spec.name),
        ['nightly', 'orders', undefined],
      );
      assert.equal(found[0]?.callerId, undefined);
      assert.deepEqual(found[0]?.spec.labels, { team: 'red' });
      assert.equal(found[1]?.state, 'PAUSED');
    });

    test('keeps what waits, what is finished and why', async () => {
      await using store = disposable(await opened(name));
      const all = await store.listDeliveries({ namespace: 'default', limit: 10 });
      assert.deepEqual(
        all.map(({ webhookId, state, reason, eventId }) => [webhookId, state, reason, eventId]).sort(),
        [
          [RINGS, 'SUCCEEDED', undefined, 'order-7'],
          [LISTENS, 'PENDING', undefined, 'order-7'],
          [GONE, 'CANCELLED', 'REMOVED', 'evt_01KDVDPC000000000000000002'],
        ].sort(),
      );
      const [lane] = await store.topUp([{ webhookId: LISTENS, limit: 10, ordered: false }]);
      assert.equal(lane?.deliveries.length, 1);
    });

    test('still knows what a publisher may publish again', async () => {
      await using store = disposable(await opened(name));
      const [event] = await store.getEvents([{ namespace: 'default', id: 'order-7' }]);
      assert.equal(event?.type, 'order.paid');
      assert.equal(event?.createdAt, T0);
    });
  });
}

function disposable(store: Store): Store & AsyncDisposable {
  return { ...store, [Symbol.asyncDispose]: () => store.close() };
}
