import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { shardOf } from '../../../src/domain/cluster/shard.ts';
import { openStore } from '../../../src/store/open.ts';
import { connect } from '../../../src/store/postgres/connection/driver.ts';
import type { Store } from '../../../src/store/store.ts';
import { aSchemaUrl, postgresUrl } from '../../support/postgres.ts';
import { anAttempt, aPublication, aWebhook, T0 } from '../../support/store.ts';
import { waitingOf } from '../conformance/harness.ts';

const MIGRATION = new URL('../../../src/store/postgres/migrations/0004_shards.sql', import.meta.url);

const stores: Store[] = [];
after(() => Promise.all(stores.map((store) => store.close())));

async function opened() {
  const url = await aSchemaUrl();
  const store = await openStore(url);
  stores.push(store);
  return { store, schema: new URL(url).searchParams.get('schema')! };
}

async function rowsOf(...statements: string[]): Promise<unknown[][]> {
  const session = await connect({ connectionString: await postgresUrl() });
  let rows: unknown[][] = [];
  for (const statement of statements)
    rows = (await session.query(statement, undefined, [])).rows as unknown[][];
  await session.close();
  return rows;
}

describe('the shard of a row on PostgreSQL', () => {
  const select = (schema: string): string =>
    `SELECT w.id, d.shard FROM ${schema}.waiting AS d JOIN ${schema}.webhooks AS w ON w.key = d.webhook ORDER BY d.ord`;

  test('is that of its lane, also of one that was finished and is sent again', async () => {
    const { store, schema } = await opened();
    const webhooks = Array.from({ length: 40 }, () => aWebhook());
    await store.createWebhooks(webhooks);
    await store.publish(webhooks.map(({ id }) => aPublication([id])));
    const [first] = webhooks;
    const [delivery] = await waitingOf(store, first!.id);
    const failed = { to: 'FAILED', reason: 'EXHAUSTED' } as const;
    await store.settle(
      [{ delivery: delivery!, attempt: anAttempt(1, 500), transition: failed, now: T0 }],
      [],
    );
    await store.retryDeliveries([{ namespace: 'default', id: delivery!.id, now: T0 }]);
    const found = await rowsOf(select(schema));
    assert.equal(found.length, webhooks.length);
    assert.deepEqual(
      found,
      found.map(([id]) => [id, shardOf(String(id))]),
    );
  });

  test('is mended of rows that a version before has written', async () => {
    const { store, schema } = await opened();
    const webhooks = Array.from({ length: 70 }, () => aWebhook());
    await store.createWebhooks(webhooks);
    await store.publish(webhooks.map(({ id }) => aPublication([id])));
    const found = await rowsOf(
      `UPDATE ${schema}.waiting SET shard = webhook % 64`,
      readFileSync(MIGRATION, 'utf8')
        .replace('UPDATE waiting', `UPDATE ${schema}.waiting`)
        .replace('FROM webhooks', `FROM ${schema}.webhooks`),
      select(schema),
    );
    assert.deepEqual(
      found,
      found.map(([id]) => [id, shardOf(String(id))]),
    );
  });
});
