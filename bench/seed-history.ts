/**
 * A past of any length, in minutes instead of hours: a thousand deliveries are made through the store's
 * port, finished, and their rows copied. What the copies differ in is named here; all else of the schema
 * may change.
 */
import { setImmediate } from 'node:timers/promises';
import { HEALTHY } from '../src/domain/delivery/lane.ts';
import { createIds } from '../src/domain/id.ts';
import { systemRandom } from '../src/domain/random.ts';
import { type Database, openDatabase } from '../src/store/sqlite/database.ts';
import { createCatalog } from '../src/store/sqlite/lists/catalog.ts';
import { deliveryLists, eventLists } from '../src/store/sqlite/lists/definitions.ts';
import type { Publication, Store } from '../src/store/store.ts';
import { databaseIn } from './process.ts';

export interface Past {
  /** Webhooks that the deliveries went to, by turns. */
  readonly webhookIds: readonly string[];
  /** How many deliveries, in thousands. */
  readonly thousands: number;
  readonly types: readonly string[];
  /** When the first and the last of them were made. */
  readonly since: number;
  readonly until: number;
}

const COPIED = 1_000;
/** Copies in one transaction. */
const COPIES = 100;
/** Rows that are entered in the lists at once, as the server does it. */
const ENTERED = 2_048;
/** Of so many deliveries one FAILED. */
const FAILS = 50;
const TIME_PLACES = 'evt_'.length + 10;

const random = systemRandom();

/** Makes the deliveries that are copied. */
export async function seedFirst(store: Store, past: Past): Promise<void> {
  const { since: at, webhookIds, types } = past;
  const eventIds = createIds('event', random);
  const deliveryIds = createIds('delivery', random);
  const publications: Publication[] = Array.from({ length: COPIED }, (_, i) => ({
    event: {
      id: eventIds(at),
      namespace: 'default',
      type: types[i % types.length]!,
      time: at,
      contentType: 'application/json',
      body: Buffer.from(`{"order":${1_000_000 + i},"paid":true}`),
      headers: {},
      createdAt: at,
    },
    deliveries: [{ id: deliveryIds(at), webhookId: webhookIds[i % webhookIds.length]!, format: 'ENVELOPE' }],
    dueAt: at,
    run: false,
  }));
  const results = await store.publish(publications);
  if (results.some(({ kind }) => kind !== 'PUBLISHED')) throw new Error('the past could not be published');
  const lanes = webhookIds.map((webhookId) => ({ webhookId, limit: COPIED, ordered: false }));
  const waiting = (await store.topUp(lanes)).flatMap(({ deliveries }) => deliveries);
  const settled = await store.settle(
    waiting.map((delivery) => ({
      delivery,
      attempt: {
        number: 1,
        requestHeaders: ['webhook-id', delivery.id, 'content-type', 'application/json'],
        outcome: {
          kind: 'answered',
          status: delivery.ord % FAILS === 0 ? 422 : 200,
          headers: { 'content-type': 'text/plain' },
          body: new Uint8Array([111, 107]),
          truncated: false,
          startedAt: at,
          durationMs: 1,
          timing: { waitMs: 1 },
        },
      },
      transition: delivery.ord % FAILS === 0 ? { to: 'FAILED', reason: 'REFUSED' } : { to: 'SUCCEEDED' },
      now: at,
    })),
    [{ webhookId: webhookIds[0]!, version: 1, health: HEALTHY, now: at }],
  );
  if (settled.length !== COPIED || settled.includes('GONE')) throw new Error('the past could not be settled');
}

/** Copies them, as often as it takes, and enters all in the lists. The store must be closed. */
export async function copyFirst(folder: string, { thousands, since, until }: Past): Promise<void> {
  const db = openDatabase(databaseIn(folder));
  try {
    // Nobody needs it after a power cut.
    db.exec('PRAGMA synchronous = OFF');
    const copy = copying(db);
    const stepMs = (until - since) / thousands;
    await inTransactions(db, thousands - 1, (n) => copy(n + 1, Math.floor((n + 1) * stepMs)));
    const catalogs = [createCatalog(db, eventLists), createCatalog(db, deliveryLists)];
    const rows = thousands * COPIED;
    for (const catalog of catalogs) {
      const first = catalog.upto();
      await inTransactions(db, Math.ceil((rows - first) / ENTERED), (n) => {
        catalog.enter(Math.min(rows, first + (n + 1) * ENTERED));
      });
    }
  } finally {
    db.close();
  }
}

/** Lets others have their turn between transactions: whoever wishes to end the bench. */
async function inTransactions(db: Database, count: number, step: (n: number) => void): Promise<void> {
  for (let n = 0; n < count; n++) {
    if (n % COPIES === 0) db.exec('BEGIN');
    step(n);
    if (n % COPIES !== COPIES - 1 && n !== count - 1) continue;
    db.exec('COMMIT');
    await setImmediate();
  }
}

/** Copies the first thousand of each table for the n-th time, `laterMs` later. */
function copying(db: Database): (n: number, laterMs: number) => void {
  const later = (name: string) => [name, `${name} + ?2`] as const;
  const further = (name: string) => [name, `${name} + ?1`] as const;
  // The time in it is that of its thousand, and what follows counts.
  const id = (key: string) => ['id', `substr(id, 1, 4) || ?3 || printf('%016d', ${key} + ?1)`] as const;
  const copies = [
    copyOf(db, 'events', 'key', [
      further('key'),
      id('key'),
      later('time'),
      later('created_at'),
      further('first_ord'),
    ]),
    copyOf(db, 'deliveries', 'ord', [
      ...[further('ord'), id('ord'), further('event'), further('journal')],
      ...[later('due_at'), later('created_at'), later('finished_at')],
    ]),
    copyOf(db, 'journal', 'seq', [further('seq'), further('ord'), later('at')]),
  ];
  const ids = createIds('event', random);
  const since = db.prepare<[at: number]>('SELECT min(created_at) FROM events').get()![0];
  return (n, laterMs) => {
    const time = ids(since + laterMs).slice('evt_'.length, TIME_PLACES);
    for (const run of copies) run(n * COPIED, laterMs, time);
  };
}

function copyOf(
  db: Database,
  table: string,
  key: string,
  changed: readonly (readonly [name: string, value: string])[],
): (...values: [further: number, laterMs: number, time: string]) => void {
  const names = db.prepare<[name: string]>(`SELECT name FROM pragma_table_info('${table}')`).all();
  const values = new Map(changed);
  for (const name of values.keys()) {
    if (!names.some(([known]) => known === name)) throw new Error(`${table} has no column ${name} any more`);
  }
  const columns = names.map(([name]) => name);
  // An unused parameter would be refused.
  const statement = db.prepare(`
    INSERT INTO ${table} (${columns.join(', ')})
    SELECT ${columns.map((name) => values.get(name) ?? name).join(', ')} FROM ${table}
    WHERE ${key} <= ${COPIED} AND ?1 > 0 AND ?2 >= 0 AND ?3 <> '' ORDER BY ${key}`);
  return (...given) => void statement.run(...given);
}
