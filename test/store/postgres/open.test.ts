import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, describe, test } from 'node:test';
import { openStore } from '../../../src/store/open.ts';
import { connect } from '../../../src/store/postgres/connection/driver.ts';
import type { Store } from '../../../src/store/store.ts';
import { aSchemaUrl, postgresUrl } from '../../support/postgres.ts';
import { aWebhook } from '../../support/store.ts';
import { TOGETHER } from '../../support/together.ts';

const stores: Store[] = [];
after(() => Promise.all(stores.map((store) => store.close())));

async function opened(url: string): Promise<Store> {
  const store = await openStore(url);
  stores.push(store);
  return store;
}

/** What the person who starts the server reads. */
async function refusalOf(url: string): Promise<string> {
  const error: unknown = await openStore(url).then(
    (store) => store.close(),
    (reason) => reason,
  );
  assert.ok(error instanceof Error && 'code' in error, `${url} was opened`);
  assert.equal(error.code, 'FAILED_PRECONDITION', error.message);
  return error.message;
}

async function changed(change: (url: URL) => void): Promise<string> {
  const url = new URL(await aSchemaUrl());
  change(url);
  return url.href;
}

async function run(...statements: string[]): Promise<void> {
  const session = await connect({ connectionString: await postgresUrl() });
  for (const statement of statements) await session.exec(statement);
  await session.close();
}

describe('opening a store on PostgreSQL', TOGETHER, () => {
  test('what is wrong with its address is said in a line, without the password', async () => {
    const cases: [url: string, says: RegExp][] = [
      [await changed((url) => (url.password = 'geheim')), /lets nobody in with this user and password/],
      [await changed((url) => (url.pathname = '/nowhere')), /does not exist; make it with CREATE DATABASE/],
      [await changed((url) => (url.pathname = '')), /names no database/],
      [await changed((url) => (url.port = '1')), /cannot be opened: .*ECONNREFUSED/],
      [await changed((url) => (url.hostname = 'nobody.invalid')), /cannot be opened: .*nobody\.invalid/],
      [
        await changed((url) => url.searchParams.set('schema', 'pg_mine')),
        /cannot have a schema "pg_mine"; give one of 1 to 63 bytes/,
      ],
      [await changed((url) => url.searchParams.set('schema', '')), /cannot have a schema/],
      [
        await changed((url) => url.searchParams.set('sslmod', 'require')),
        /cannot have a parameter sslmod \(did you mean sslmode\?\)/,
      ],
      ['postgres://u:geheim@[/x', /has an address that cannot be read/],
      ['postgres://u:geheim/@h/x', /has an address that cannot be read/],
    ];
    for (const [url, says] of cases) {
      const message = await refusalOf(url);
      assert.match(message, says);
      assert.ok(!message.includes('geheim') && !message.includes(':carillon@'), message);
      assert.ok(!message.includes('\n'), message);
    }
  });

  test('one schema is one store, and is there when it is opened again', async () => {
    const [url, other] = [await aSchemaUrl(), await aSchemaUrl()];
    const webhook = aWebhook();
    const store = await opened(url);
    await store.createWebhooks([webhook]);
    assert.deepEqual(await (await opened(other)).getWebhooks([webhook.id]), [undefined]);
    await store.close();
    assert.deepEqual(await (await opened(url)).getWebhooks([webhook.id]), [webhook]);
  });

  test('a second Carillon is refused while the first is at work', async () => {
    const url = await aSchemaUrl();
    const first = await opened(url);
    assert.match(await refusalOf(url), /is in use by another Carillon \(schema test_/);
    const webhook = aWebhook();
    assert.deepEqual(await first.createWebhooks([webhook]), ['CREATED']);
    await first.close();
    assert.deepEqual(await (await opened(url)).getWebhooks([webhook.id]), [webhook]);
  });

  test('a schema of a newer version is refused, and nothing is changed', async () => {
    const url = await aSchemaUrl();
    await (await opened(url)).close();
    const schema = new URL(url).searchParams.get('schema');
    await run(`INSERT INTO ${schema}.migrations (version, name) VALUES (999, 'later')`);
    assert.match(
      await refusalOf(url),
      /was written by a newer Carillon \(schema 999; this version knows \d+\)/,
    );
  });

  test('a schema of a version before is brought up to date, with what is in it, and sends', async () => {
    const url = await aSchemaUrl();
    const schema = new URL(url).searchParams.get('schema');
    const first = new URL('../../../src/store/postgres/migrations/0001_init.sql', import.meta.url);
    await run(
      `CREATE SCHEMA ${schema}`,
      `SET search_path = ${schema}`,
      readFileSync(first, 'utf8'),
      'CREATE TABLE migrations (version integer PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT now())',
      "INSERT INTO migrations (version, name) VALUES (1, '0001_init.sql')",
      "INSERT INTO namespaces (name, state, created_at, updated_at, version) VALUES ('shop', 'ACTIVE', 0, 0, 1)",
    );
    const store = await opened(url);
    assert.equal((await store.getNamespaces(['shop']))[0]?.state, 'ACTIVE');
    assert.equal(await store.getStandby(), undefined);
  });

  test('a schema whose migration breaks off has nothing of it', async () => {
    const url = await aSchemaUrl();
    const schema = new URL(url).searchParams.get('schema');
    await run(`CREATE SCHEMA ${schema}`, `CREATE TABLE ${schema}.api_keys (mine integer)`);
    assert.match(await refusalOf(url), /cannot be opened: .*api_keys/);
    await run(`DROP TABLE ${schema}.api_keys`);
    assert.deepEqual(await (await opened(url)).listWebhooks({ namespace: 'default', limit: 1 }), []);
  });

  test('a user who may not make a schema can use one that was made for it', async () => {
    const url = await changed((each) => {
      each.username = 'tenant';
      each.password = 'tenant';
    });
    const schema = new URL(url).searchParams.get('schema');
    await run(`DROP ROLE IF EXISTS tenant`, `CREATE ROLE tenant LOGIN PASSWORD 'tenant'`);
    assert.match(await refusalOf(url), /does not allow what is needed .*; grant CREATE on the database/);
    await run(`CREATE SCHEMA ${schema} AUTHORIZATION tenant`);
    assert.deepEqual(await (await opened(url)).createWebhooks([aWebhook()]), ['CREATED']);
  });

  test('a database that can only be read is refused', async () => {
    const url = await changed((each) =>
      each.searchParams.set('options', '-c default_transaction_read_only=on'),
    );
    assert.match(await refusalOf(url), /can only be read/);
  });
});
