import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Webhook } from '../../../../src/domain/webhook/webhook.ts';
import { openStore } from '../../../../src/store/open.ts';
import { connect, type Session } from '../../../../src/store/postgres/connection/driver.ts';
import type { Store } from '../../../../src/store/store.ts';
import { aSchemaUrl, postgresUrl } from '../../../support/postgres.ts';
import { aDelivery, aPublication, T0, testId } from '../../../support/store.ts';
import { register, settlement, sweepAll, waitingOf } from '../../conformance/harness.ts';

const DAY = 86_400_000;
const RETENTION = 30 * DAY;
/** When the day of `T0` is over, and for how long what was finished on it is kept. */
const LATER = T0 + DAY + RETENTION;

let url = '';
let schema = '';
let store: Store;
let session: Session;
let webhook: Webhook;
const opened: Store[] = [];

/** An empty store with tables for the days from that of `T0`. */
async function open(): Promise<void> {
  url = await aSchemaUrl();
  schema = new URL(url).searchParams.get('schema')!;
  store = await openStore(url);
  opened.push(store);
  webhook = await register(store);
  await store.tidy({ now: T0, finishedBefore: T0 - RETENTION });
}

before(async () => {
  session = await connect({ connectionString: await postgresUrl() });
});
after(async () => {
  await session.close();
  for (const each of opened) await each.close();
});

/** Publishes an event to the webhook, and returns the id of its delivery. */
async function publishAt(at: number): Promise<string> {
  const id = testId('delivery', at);
  const { namespace } = webhook;
  await store.publish([
    {
      ...aPublication([webhook.id], { event: { namespace, createdAt: at } }),
      deliveries: [aDelivery(webhook.id, { id })],
    },
  ]);
  return id;
}

async function settleAt(
  id: string,
  at: number,
  to: Parameters<typeof settlement>[1] = { to: 'SUCCEEDED' },
): Promise<void> {
  const delivery = (await waitingOf(store, webhook.id)).find((each) => each.id === id);
  assert.deepEqual(await store.settle([settlement(delivery!, to, at)], []), ['SETTLED']);
}

async function finishedAt(made: number, finished: number): Promise<string> {
  const id = await publishAt(made);
  await settleAt(id, finished);
  return id;
}

/** What the sweeper does within some minutes. */
async function sweepAt(now: number, keptMs = RETENTION): Promise<void> {
  for (let minute = 0; minute < 4; minute++) {
    await store.tidy({ now, finishedBefore: now - keptMs });
    await sweepAll(store, { now, finishedBefore: now - keptMs });
  }
}

const read = (id: string) => store.getDelivery({ namespace: webhook.namespace, id });
const attemptsOf = async (id: string) => (await read(id))?.attempts.length;

async function ask(sql: string, ...values: (string | number)[]): Promise<unknown[][]> {
  return (await session.query(sql.replaceAll('@', `${schema}.`), undefined, values)).rows as unknown[][];
}

/** Names of the tables in which the deliveries lie. */
async function tablesOf(...ids: string[]): Promise<unknown[]> {
  const rows = await ask(
    `SELECT (SELECT relname::text FROM pg_class WHERE oid = h.tableoid) FROM @history AS h
     WHERE id = ANY($1) ORDER BY array_position($1, id)`,
    ids as unknown as string,
  );
  return rows.flat();
}

/** Days that have tables, counted from that of `T0`. */
async function days(): Promise<number[]> {
  const rows = await ask('SELECT day FROM @days ORDER BY day');
  return rows.map(([day]) => Number(day) - T0 / DAY);
}

async function events(): Promise<number> {
  return Number((await ask('SELECT count(*) FROM @events'))[0]?.[0]);
}

describe('where finished deliveries lie on PostgreSQL', () => {
  before(open);

  test('in the table of the day in which they were made and finished, and otherwise with the rest', async () => {
    const ids = [
      await finishedAt(T0, T0),
      await finishedAt(T0 + DAY - 1, T0 + DAY - 1),
      await finishedAt(T0 + DAY, T0 + DAY),
      // On the day after, and by a clock that was put back.
      await finishedAt(T0 + DAY - 1, T0 + DAY),
      await finishedAt(T0 + DAY, T0 + DAY - 1),
      // By a clock that is far ahead, or far behind, so that there is no table.
      await finishedAt(T0 + 3_000 * DAY, T0 + 3_000 * DAY),
      await finishedAt(T0 - 3_000 * DAY, T0 - 3_000 * DAY),
      await finishedAt(0, 0),
    ];
    assert.deepEqual(await tablesOf(...ids), [
      'history_20260101',
      'history_20260101',
      'history_20260102',
      ...Array<string>(5).fill('history_rest'),
    ]);
    for (const id of ids) assert.equal(await attemptsOf(id), 1);
    const listed = await store.listDeliveries({ namespace: webhook.namespace, limit: 20 });
    assert.deepEqual(
      listed.map(({ id }) => id),
      ids.toSorted().toReversed(),
    );
  });

  test('a delivery that succeeds after it was cancelled with its webhook moves to the rest when that is later', async () => {
    const removed = await register(store);
    const { namespace } = removed;
    const id = testId('delivery', T0);
    await store.publish([
      {
        ...aPublication([removed.id], { event: { namespace } }),
        deliveries: [aDelivery(removed.id, { id })],
      },
    ]);
    const [delivery] = await waitingOf(store, removed.id);
    await store.removeWebhooks([{ id: removed.id, now: T0 }]);
    assert.deepEqual(await tablesOf(id), ['history_20260101']);
    await store.settle([settlement(delivery!, undefined, T0 + DAY)], []);
    assert.deepEqual(await tablesOf(id), ['history_rest']);
    const found = await store.getDelivery({ namespace, id });
    assert.deepEqual([found?.state, found?.attempts.length], ['SUCCEEDED', 1]);
  });
});

describe('a day of which nothing is kept any more', () => {
  before(open);

  test('goes as a whole, with its attempts and events, and what is kept of it stays', async () => {
    const gone = [await finishedAt(T0, T0), await finishedAt(T0 + DAY - 1, T0 + DAY - 1)];
    // Tried on the day, and finished later or never.
    const later = await publishAt(T0);
    await settleAt(later, T0, { to: 'PENDING', dueAt: T0 + 2 * DAY });
    await settleAt(later, T0 + 2 * DAY);
    const waiting = await publishAt(T0);
    await settleAt(waiting, T0, { to: 'PENDING', dueAt: LATER + DAY });
    const next = await finishedAt(T0 + DAY, T0 + DAY);
    // An event of another day has a delivery of it, such as by a replay.
    const { namespace } = webhook;
    const [publication, replay] = [
      aPublication([webhook.id], { event: { namespace } }),
      testId('delivery', T0),
    ];
    await store.publish([publication]);
    await store.replay([
      { eventId: publication.event.id, delivery: aDelivery(webhook.id, { id: replay }), now: T0 },
    ]);
    await settleAt(replay, T0);

    await sweepAt(LATER - 1);
    assert.equal(await attemptsOf(gone[0]!), 1, 'it is not over yet');
    assert.deepEqual((await days()).slice(0, 2), [0, 1]);

    await sweepAt(LATER);
    assert.equal((await days())[0], 1);
    assert.deepEqual((await ask(`SELECT to_regclass($1)`, `${schema}.history_20260101`))[0], [null]);
    assert.deepEqual((await ask(`SELECT to_regclass($1)`, `${schema}.journal_20260101`))[0], [null]);
    for (const id of [...gone, replay]) assert.equal(await read(id), undefined);
    assert.deepEqual([await attemptsOf(later), await attemptsOf(waiting), await attemptsOf(next)], [2, 1, 1]);
    assert.equal(await events(), 4, 'those of what is kept, and of the replay');

    await settleAt(waiting, LATER);
    assert.equal(await attemptsOf(waiting), 2);
    await sweepAt(LATER + 2 * RETENTION);
    assert.deepEqual(
      [await read(later), await read(waiting), await read(next)],
      [undefined, undefined, undefined],
    );
    assert.equal(await events(), 1, 'that of which one delivery still waits');
    assert.deepEqual(await ask('SELECT delivery FROM @journal'), []);
  });
});

describe('a failed delivery', () => {
  before(open);

  test('does not go with its day when it is retried at that moment: its attempts stay', async () => {
    const id = await publishAt(T0 + 2 * DAY);
    await settleAt(id, T0 + 2 * DAY, { to: 'FAILED', reason: 'EXHAUSTED' });
    const now = LATER + 2 * DAY;
    // It is to go, and nothing was moved yet; then nothing is left to be moved.
    await store.tidy({ now, finishedBefore: now - RETENTION });
    await sweepAll(store, { now, finishedBefore: now - RETENTION });
    const { namespace } = webhook;
    assert.deepEqual(await store.retryDeliveries([{ namespace, id, now }]), ['RETRIED']);
    await sweepAt(now);
    assert.ok(!(await days()).includes(2));
    await settleAt(id, now);
    assert.deepEqual([(await read(id))?.state, await attemptsOf(id)], ['SUCCEEDED', 2]);
  });
});

describe('a day that goes', () => {
  before(open);

  test('goes on going where it was when the server is killed, and takes nothing twice', async () => {
    const { namespace } = webhook;
    const publication = aPublication([webhook.id, webhook.id, webhook.id], { event: { namespace } });
    await store.publish([publication]);
    const [one, two, three] = publication.deliveries.map(({ id }) => id);
    await settleAt(one!, T0);
    await settleAt(two!, T0 + 1);
    for (let i = 0; i < 600; i += 100) {
      await store.publish(
        Array.from({ length: 100 }, () => aPublication([webhook.id], { event: { namespace } })),
      );
    }
    const others = (await waitingOf(store, webhook.id)).filter(({ id }) => id !== three);
    await store.settle(
      others.map((delivery) => settlement(delivery, undefined, T0 + 2)),
      [],
    );

    const query = { now: LATER, finishedBefore: LATER - RETENTION, payloadsBefore: 0 };
    await store.tidy(query);
    await sweepAll(store, query);
    await store.tidy(query);
    assert.equal(await store.sweep(query), 500);
    await store.close();
    store = await openStore(url);
    opened.push(store);
    await sweepAt(LATER);
    assert.equal((await days())[0], 1);
    assert.equal(await events(), 1);
    assert.deepEqual(await ask('SELECT deliveries::integer FROM @events'), [[1]]);
    assert.equal((await read(three!))?.state, 'PENDING');
  });

  test('does so beside somebody who reads history for long, and settling goes on', {
    timeout: 60_000,
  }, async () => {
    const now = LATER + DAY;
    const gone = await finishedAt(T0 + DAY, T0 + DAY);
    const later = await publishAt(T0 + DAY);
    const reader = await connect({ connectionString: await postgresUrl() });
    try {
      await reader.exec(`BEGIN ISOLATION LEVEL REPEATABLE READ`);
      const count = async () =>
        (
          (await reader.query(`SELECT id FROM ${schema}.history WHERE id = $1`, undefined, [gone]))
            .rows as unknown[]
        ).length;
      assert.equal(await count(), 1);

      const settling = (async () => {
        for (let i = 0; i < 20; i++) await finishedAt(now, now);
      })();
      await sweepAt(now);
      await settling;
      await settleAt(later, now);
      assert.equal(await read(gone), undefined, 'for others it is gone');
      assert.equal(await count(), 1, 'who reads it still has it');
      assert.ok((await days()).includes(1));
      await reader.exec('COMMIT');
    } finally {
      await reader.close();
    }
    await sweepAt(now);
    assert.ok(!(await days()).includes(1));
    assert.equal(await attemptsOf(later), 1);
  });

  test('waits for as long as somebody locks it, who is not kept waiting, and days to come are made then', async () => {
    const now = LATER + 9 * DAY;
    const locking = await connect({ connectionString: await postgresUrl() });
    try {
      await locking.exec(
        `BEGIN; LOCK TABLE ${schema}.history_days, ${schema}.journal_days IN SHARE UPDATE EXCLUSIVE MODE`,
      );
      const before = await days();
      await sweepAt(now);
      assert.deepEqual(await days(), before);
      // Its day has no table yet.
      assert.deepEqual(await tablesOf(await finishedAt(now, now)), ['history_rest']);
      await locking.exec('COMMIT');
    } finally {
      await locking.close();
    }
    await sweepAt(now);
    assert.deepEqual(await tablesOf(await finishedAt(now, now)), [
      `history_${new Date(now).toISOString().slice(0, 10).replaceAll('-', '')}`,
    ]);
  });
});

describe('deliveries that are kept for less than a week', () => {
  before(open);

  test('go one by one, when their time is over', async () => {
    const [old, young] = [await finishedAt(T0 + 1, T0 + 1), await finishedAt(T0 + 2, T0 + 2)];
    await sweepAt(T0 + 2 + DAY, DAY);
    assert.equal(await read(old), undefined);
    assert.equal(await attemptsOf(young), 1);
    await sweepAt(T0 + 2 * DAY, DAY);
    assert.equal(await read(young), undefined);
    assert.equal((await days())[0], 1);
  });
});

describe('what is erased', () => {
  before(open);

  async function vacuums(): Promise<Map<unknown, unknown>> {
    const rows = await ask(
      'SELECT relname::text, vacuum_count::integer FROM pg_stat_user_tables WHERE schemaname = $1',
      schema,
    );
    return new Map(rows as [unknown, unknown][]);
  }

  test('is cleared away where it lay, and nowhere else', async () => {
    const { namespace } = webhook;
    const publication = aPublication([webhook.id], { event: { namespace } });
    await store.publish([publication]);
    await settleAt(publication.deliveries[0]!.id, T0);
    await finishedAt(T0 + DAY, T0 + DAY);
    assert.equal(await store.emptyLog(), true);
    const before = await vacuums();
    await store.purgeEvents([{ namespace, id: publication.event.id }]);
    assert.equal(await store.emptyLog(), true);
    const touched = [...(await vacuums())].filter(([table, count]) => count !== before.get(table));
    assert.deepEqual(touched.map(([table]) => table).toSorted(), [
      'events',
      'history_20260101',
      'history_rest',
      'journal_20260101',
      'journal_rest',
      'renderings',
    ]);
    const detail = await read(publication.deliveries[0]!.id);
    assert.deepEqual(
      detail?.attempts.map(({ requestHeaders }) => requestHeaders),
      [[]],
    );
  });

  test('is pending while somebody may still read it, and is done when they have ended', async () => {
    const { namespace } = webhook;
    const publication = aPublication([webhook.id], { event: { namespace } });
    await store.publish([publication]);
    const reader = await connect({ connectionString: await postgresUrl() });
    await reader.exec('BEGIN ISOLATION LEVEL REPEATABLE READ');
    await reader.query('SELECT 1', undefined, []);
    await store.purgeEvents([{ namespace, id: publication.event.id }]);
    const pending = !(await store.emptyLog());
    await reader.exec('COMMIT');
    await reader.close();
    assert.deepEqual([pending, await store.emptyLog()], [true, true]);
  });
});
