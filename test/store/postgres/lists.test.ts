import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openStore } from '../../../src/store/open.ts';
import type { DeliveryQuery, Store } from '../../../src/store/store.ts';
import { aSchemaUrl } from '../../support/postgres.ts';
import { aDelivery, aPublication, T0, testId } from '../../support/store.ts';
import { aNamespace, everyPage, publishTo, register, settlement } from '../conformance/harness.ts';

const DAY = 86_400_000;

describe('lists of so much that it is not sorted', () => {
  const namespaces = [aNamespace(), aNamespace()] as const;
  let store: Store;
  let mine: string[] = [];
  let webhookId = '';

  before(async () => {
    store = await openStore(await aSchemaUrl());
    const [webhook, other] = [
      await register(store, { namespace: namespaces[0] }),
      await register(store, { namespace: namespaces[1] }),
    ];
    webhookId = webhook.id;
    for (let round = 0; round < 3; round++) {
      const waiting = await publishTo(store, webhook, 1_000);
      mine.push(...waiting.map(({ id }) => id));
      await publishTo(store, other, 3_000);
      const ended = waiting.slice(0, 50).map((delivery) => settlement(delivery));
      await store.settle(ended, []);
    }
    mine = mine.reverse();
  });
  after(() => store.close());

  async function ids(query: Omit<DeliveryQuery, 'limit' | 'namespace'>): Promise<string[]> {
    const pages = await everyPage<string>(async (last) => {
      const page = await store.listDeliveries({
        namespace: namespaces[0],
        limit: 700,
        ...query,
        ...(last !== undefined && { before: last }),
      });
      return page.map(({ id }) => id);
    });
    return pages.flat();
  }

  test('what waits and what is finished comes in order, of a namespace and of a webhook', async () => {
    assert.deepEqual(await ids({}), mine);
    assert.deepEqual(await ids({ webhookId }), mine);
    assert.equal((await ids({ state: 'PENDING' })).length, 2_850);
    assert.equal((await ids({ webhookId, state: 'SUCCEEDED' })).length, 150);
  });

  test('a part looks at a bounded number of entries, and says where to go on', async () => {
    const query = { namespace: namespaces[0], state: 'PENDING', eventType: { exact: 'none.such' } } as const;
    let looked = 0;
    let before: string | undefined;
    do {
      const part = await store.scanDeliveries({ ...query, limit: 1_000, ...(before && { before }) });
      assert.deepEqual(part.rows, []);
      assert.ok(part.looked <= 4_000, `looked at ${part.looked}`);
      looked += part.looked;
      before = part.next ?? undefined;
    } while (before !== undefined);
    // Those of the other namespace are among what waits.
    assert.equal(looked, 11_850);
  });

  test('what was made before a time is not looked for among what is younger', async () => {
    const { namespace } = await register(store);
    const webhook = await register(store, { namespace });
    const at = T0 - 10 * DAY;
    const publication = aPublication([webhook.id], { event: { namespace, createdAt: at } });
    const old = aDelivery(webhook.id, { id: testId('delivery', at) });
    await store.publish([{ ...publication, deliveries: [old] }]);
    const [waiting] = await publishTo(store, webhook, 1);
    await store.settle(
      (await publishTo(store, webhook, 500)).map((delivery) => settlement(delivery)),
      [],
    );
    const before = await store.scanDeliveries({ namespace, limit: 10, until: at + 1 });
    assert.deepEqual([before.rows.map(({ id }) => id), before.looked], [[old.id], 1]);
    const since = await store.scanDeliveries({ namespace, limit: 1, since: T0, ascending: true });
    assert.deepEqual([since.rows.map(({ id }) => id), since.looked <= 2], [[waiting!.id], true]);
  });

  test('what is rare is found among the rest, once', async () => {
    const query = { namespace: namespaces[0], state: 'SUCCEEDED' } as const;
    const pages = await everyPage(async (last: string | undefined) => {
      const page = await store.listDeliveries({ ...query, limit: 40, ...(last && { before: last }) });
      return page.map(({ id }) => id);
    });
    const found = pages.flat();
    assert.deepEqual([found.length, new Set(found).size], [150, 150]);
  });
});
