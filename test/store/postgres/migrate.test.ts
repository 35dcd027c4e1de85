import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { run } from '../../../src/cli/run.ts';
import { openStore } from '../../../src/store/open.ts';
import { connect } from '../../../src/store/postgres/connection/driver.ts';
import { aSchemaUrl, postgresUrl } from '../../support/postgres.ts';
import { testWorld } from '../../support/world.ts';

async function carillon(argv: readonly string[], env: Readonly<Record<string, string>>) {
  const world = testWorld({ env });
  const code = await run(argv, world);
  return { code, ...world.printed };
}

async function sql(...statements: string[]): Promise<void> {
  const session = await connect({ connectionString: await postgresUrl() });
  for (const statement of statements) await session.exec(statement);
  await session.close();
}

describe('carillon migrate', () => {
  test('of a PostgreSQL needs no key, and goes on beside a server', async () => {
    const url = await aSchemaUrl();
    const env = { CARILLON_STORE: url };
    const check = await carillon(['migrate', '--check'], env);
    assert.equal(check.code, 1);
    assert.match(check.out, /has nothing of Carillon yet, .*; to be done: 0001_init\.sql/);
    await assert.rejects(openStore(url, { noMigrate: true }), {
      code: 'FAILED_PRECONDITION',
      message: /has nothing of Carillon yet, .*; run carillon migrate, or start without --no-migrate$/,
    });

    const done = await carillon(['migrate'], env);
    assert.deepEqual([done.code, done.err], [0, '']);
    assert.match(
      done.out,
      /^postgres:\/\/carillon@\S+ is up to date now \(schema \d+\); done: 0001_init\.sql.*\n$/,
    );
    const store = await openStore(url, { noMigrate: true });
    try {
      for (const argv of [['migrate'], ['migrate', '--check']]) {
        const again = await carillon(argv, env);
        assert.deepEqual([again.code, again.err], [0, '']);
        assert.match(again.out, /is up to date \(schema \d+\)\n$/);
      }
    } finally {
      await store.close();
    }
  });

  test('works with a schema of a newer version if that says so, and refuses it otherwise', async () => {
    const url = await aSchemaUrl();
    const schema = new URL(url).searchParams.get('schema');
    const env = { CARILLON_STORE: url };
    assert.equal((await carillon(['migrate'], env)).code, 0);
    await sql(`INSERT INTO ${schema}.migrations (version, name, oldest) VALUES (998, 'more', 1)`);
    const check = await carillon(['migrate', '--check'], env);
    assert.equal(check.code, 0);
    assert.match(check.out, /has schema 998, of a newer version; this one \(\d+\) can work with it\n$/);
    await (await openStore(url)).close();

    await sql(`INSERT INTO ${schema}.migrations (version, name, oldest) VALUES (999, 'other', 999)`);
    for (const argv of [['migrate'], ['migrate', '--check']]) {
      const refused = await carillon(argv, env);
      assert.equal(refused.code, 1);
      assert.match(
        refused.err,
        /was written by a newer Carillon \(schema 999; this version knows \d+\); upgrade/,
      );
    }
  });

  test('takes a schema that was made before steps named the oldest program', async () => {
    const url = await aSchemaUrl();
    const schema = new URL(url).searchParams.get('schema');
    assert.equal((await carillon(['migrate'], { CARILLON_STORE: url })).code, 0);
    await sql(
      `ALTER TABLE ${schema}.migrations DROP COLUMN oldest; DELETE FROM ${schema}.migrations WHERE version > 4`,
      `DROP TABLE ${schema}.settings`,
    );
    const check = await carillon(['migrate', '--check'], { CARILLON_STORE: url });
    assert.match(check.out, /has schema 4, .* to be done: 0005_settings\.sql/);
    await (await openStore(url)).close();
    assert.equal((await carillon(['migrate', '--check'], { CARILLON_STORE: url })).code, 0);
  });
});
