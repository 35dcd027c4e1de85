import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore } from '../../../../src/store/open.ts';
import { connect } from '../../../../src/store/postgres/connection/driver.ts';
import { aSchemaUrl, postgresUrl } from '../../../support/postgres.ts';
import { T0 } from '../../../support/store.ts';
import { publishTo, register, settlement } from '../../conformance/harness.ts';

const MINUTE = 60_000;

test('dead rows are cleared away from what waits, and less often where an old transaction keeps them', async (t) => {
  const url = await aSchemaUrl();
  const schema = new URL(url).searchParams.get('schema')!;
  const store = await openStore(url);
  t.after(store.close);
  const session = await connect({ connectionString: await postgresUrl() });
  t.after(session.close);
  const webhook = await register(store);

  async function tidiedAt(minute: number): Promise<number> {
    await store.tidy({ now: T0 + minute * MINUTE, finishedBefore: 0 });
    const { rows } = await session.query(
      `SELECT vacuum_count::integer FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'waiting'`,
      undefined,
      [schema],
    );
    return (rows[0] as number[])[0]!;
  }

  async function finish(count: number): Promise<void> {
    for (let left = count; left > 0; left -= 1_000) {
      const waiting = await publishTo(store, webhook, 1_000);
      await store.settle(
        waiting.map((delivery) => settlement(delivery)),
        [],
      );
    }
    // Sessions tell of what they did when they are idle, and when they end.
    await session.exec('SELECT pg_stat_force_next_flush()');
    for (let tries = 0; (await dead()) < count; tries++) {
      assert.ok(tries < 500, 'nobody tells of the dead rows');
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function dead(): Promise<number> {
    const { rows } = await session.query(
      `SELECT n_dead_tup FROM pg_stat_user_tables WHERE schemaname = $1 AND relname = 'waiting'`,
      undefined,
      [schema],
    );
    return (rows[0] as number[])[0]!;
  }

  await session.exec(`ALTER TABLE ${schema}.waiting SET (autovacuum_enabled = off)`);
  assert.equal(await tidiedAt(0), 0, 'there is nothing to clear away');
  await finish(10_000);
  assert.equal(await tidiedAt(1), 1);
  assert.equal(await dead(), 0);

  const reader = await connect({ connectionString: await postgresUrl() });
  t.after(reader.close);
  await reader.exec('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_snapshot()');
  await finish(10_000);
  const counts: number[] = [];
  for (let minute = 2; minute < 10; minute++) counts.push(await tidiedAt(minute));
  assert.deepEqual(counts, [2, 3, 3, 4, 4, 4, 4, 5], 'after one, two and four minutes');
  await reader.exec('COMMIT');
  assert.equal(await tidiedAt(17), 6);
  assert.equal(await dead(), 0);
});
