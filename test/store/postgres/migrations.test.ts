import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { openStore } from '../../../src/store/open.ts';
import { connect, type Session } from '../../../src/store/postgres/connection/driver.ts';
import type { Store } from '../../../src/store/store.ts';
import { aSchemaUrl, postgresUrl } from '../../support/postgres.ts';
import { T0 } from '../../support/store.ts';
import { settlement, sweepAll, waitingOf } from '../conformance/harness.ts';

const DAY = 86_400_000;
const NAMESPACE = 'shop';
const WEBHOOK = 'wh_01KDVDNA000000000000000001';
const [WAITING, SUCCEEDED, FAILED, CANCELLED] = [
  'msg_01KDVDNA00000000000000000A',
  'msg_01KDVDNA000000000000000004',
  'msg_01KDVDNA000000000000000006',
  'msg_01KDVDNA000000000000000008',
] as const;

const read = (path: string): string => readFileSync(new URL(path, import.meta.url), 'utf8');

/** A schema as the first version made it, with what it wrote there. */
async function firstVersion(session: Session): Promise<string> {
  const url = await aSchemaUrl();
  const schema = new URL(url).searchParams.get('schema')!;
  await session.exec(`
    BEGIN; CREATE SCHEMA ${schema}; SET LOCAL search_path = ${schema};
    ${read('../../../src/store/postgres/migrations/0001_init.sql')};
    CREATE TABLE migrations (version integer PRIMARY KEY, name text NOT NULL, applied timestamptz NOT NULL DEFAULT now());
    INSERT INTO migrations (version, name) VALUES (1, '0001_init.sql');
    ${read('../../testdata/postgres-0001.sql')};
    COMMIT`);
  return url;
}

describe('a schema of the first version on PostgreSQL', () => {
  let session: Session;
  let store: Store;
  before(async () => {
    session = await connect({ connectionString: await postgresUrl() });
    store = await openStore(await firstVersion(session));
  });
  after(async () => {
    await store.close();
    await session.close();
  });

  const stateOf = async (id: string) => {
    const found = await store.getDelivery({ namespace: NAMESPACE, id });
    return found && [found.state, found.attempts.map(({ number }) => number)];
  };

  test('has everything that was in it, also once there are tables for days', async () => {
    await store.tidy({ now: T0, finishedBefore: 0 });
    assert.deepEqual(await Promise.all([SUCCEEDED, FAILED, CANCELLED, WAITING].map(stateOf)), [
      ['SUCCEEDED', [1]],
      ['FAILED', [1]],
      ['CANCELLED', []],
      ['PENDING', [1]],
    ]);
    const listed = await store.listDeliveries({ namespace: NAMESPACE, limit: 10 });
    assert.deepEqual(
      listed.map(({ id }) => id),
      [WAITING, CANCELLED, FAILED, SUCCEEDED],
    );
  });

  test('goes on: what happens next has places after what happened before', async () => {
    const { next } = (await store.changesSince({ namespace: NAMESPACE, limit: 10 })) as {
      next: number;
    };
    const [waiting] = await waitingOf(store, WEBHOOK);
    assert.deepEqual(await store.settle([settlement(waiting!)], []), ['SETTLED']);
    const [again] = await store.retryDeliveries([{ namespace: NAMESPACE, id: FAILED, now: T0 }]);
    assert.equal(again, 'RETRIED');
    const changes = await store.changesSince({ namespace: NAMESPACE, after: next, limit: 10 });
    assert.ok(changes !== 'GAP');
    assert.deepEqual(
      changes.changes.map(({ delivery }) => delivery.id),
      [WAITING, FAILED],
    );
  });

  test('is swept as it would have been', async () => {
    const [waiting] = await waitingOf(store, WEBHOOK);
    await store.settle([settlement(waiting!, undefined, T0 + DAY)], []);
    const now = T0 + 31 * DAY;
    for (let minute = 0; minute < 4; minute++) {
      await store.tidy({ now, finishedBefore: T0 + DAY });
      await sweepAll(store, { now, finishedBefore: T0 + DAY });
    }
    assert.deepEqual(await Promise.all([SUCCEEDED, FAILED, CANCELLED, WAITING].map(stateOf)), [
      undefined,
      ['SUCCEEDED', [1, 2]],
      undefined,
      undefined,
    ]);
  });
});
