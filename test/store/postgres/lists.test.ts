import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { openStore } from '../../../src/store/open.ts';
import type { DeliveryQuery, Store } from '../../../src/store/store.ts';
import { aSchemaUrl } from '../../support/postgres.ts';
import { aNamespace, everyPage, publishTo, register, settlement } from '../conformance/harness.ts';

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
    let looked = 0;
    let found = 0;
    let before: string | undefined;
    do {
      const query = {
        namespace: namespaces[0],
        state: 'SUCCEEDED',
        limit: 1_000,
        ...(before && { before }),
      } as const;
      const part = await store.scanDeliveries(query);
      assert.ok(part.looked <= 4_000, `looked at ${part.looked}`);
      looked += part.looked;
      found += part.rows.length;
      before = part.next ?? undefined;
    } while (before !== undefined);
    assert.equal(found, 150);
    assert.ok(looked >= 150);
  });
});
