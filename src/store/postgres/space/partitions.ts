import { stateOf } from '../connection/driver.ts';
import type { Database } from '../database.ts';
import {
  type ByDay,
  CLOSING,
  DETACHED,
  dayOf,
  endOf,
  FREE,
  idsOf,
  OPEN,
  OVER,
  TABLES_BY_DAY,
  tableOf,
} from './days.ts';

/** Makes the tables of days, and takes away those of which nothing is kept. */
export interface Partitions {
  /**
   * Does what can be done now without making anybody wait; what cannot is left to the next time. `db` is on a session
   * of its own.
   */
  readonly renew: (db: Database, now: number, finishedBefore: number) => Promise<void>;
}

/** Days that have tables before they come. */
const AHEAD = 7;
/** Who waits for a lock makes those wait who come after, so nobody waits for longer. */
const LOCK_TIMEOUT_MS = 100;

export function createPartitions(schema: string): Partitions {
  return {
    async renew(db, now, finishedBefore) {
      await db.exec(`SET lock_timeout = ${LOCK_TIMEOUT_MS}`);
      await unlessLocked(() => makeAhead(db, now));
      await db
        .prepare(`UPDATE @days SET state = ${CLOSING} WHERE state = ${OPEN} AND day < ?`)
        .run(dayOf(finishedBefore));
      await unlessLocked(() => detachAll(db, schema));
      await unlessLocked(() => dropAll(db));
    },
  };
}

async function daysIn(db: Database, state?: number): Promise<number[]> {
  const rows = await db
    .prepare<[day: number]>('SELECT day FROM @days WHERE state = coalesce(?::integer, state) ORDER BY day')
    .all(state ?? null);
  return rows.map(([day]) => day);
}

/** As plain tables that are attached then: to make one as a part of another would lock everybody out. */
async function makeAhead(db: Database, now: number): Promise<void> {
  const there = new Set(await daysIn(db));
  const today = dayOf(now);
  for (let day = today; day <= today + AHEAD; day++) {
    if (!there.has(day))
      await inTransaction(db, [...TABLES_BY_DAY.flatMap((table) => makeOf(table, day)), noteOf(day)]);
  }
}

function makeOf(table: ByDay, day: number): string[] {
  const name = tableOf(table, day);
  const [first, next] = idsOf(day);
  // What is finished later is kept for longer, and must not go with the day.
  const only = table === 'history' ? `, CONSTRAINT ${name}_day CHECK (finished_at < ${endOf(day)})` : '';
  return [
    `CREATE TABLE @${name} (LIKE @${table}${only})`,
    `ALTER TABLE @${table}_days ATTACH PARTITION @${name} FOR VALUES FROM ('${first}') TO ('${next}')`,
  ];
}

function noteOf(day: number): string {
  return `INSERT INTO @days (day) VALUES (${day})`;
}

/** One at a time: there can be one that is not detached to its end. */
async function detachAll(db: Database, schema: string): Promise<void> {
  // Undefined for a table that is detached.
  const select = db.prepare<[pending: number]>(`
    SELECT i.inhdetachpending::integer FROM pg_inherits AS i
    JOIN pg_class AS c ON c.oid = i.inhrelid JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = ? AND c.relname = ?`);
  for (const day of await daysIn(db, OVER)) {
    for (const table of TABLES_BY_DAY) {
      const name = tableOf(table, day);
      const [pending] = (await select.get(schema, name)) ?? [];
      if (pending === undefined) continue;
      await db.exec(
        `ALTER TABLE @${table}_days DETACH PARTITION @${name} ${pending === 1 ? 'FINALIZE' : 'CONCURRENTLY'}`,
      );
    }
    await db.prepare(`UPDATE @days SET state = ${DETACHED} WHERE day = ? AND state = ${OVER}`).run(day);
  }
}

async function dropAll(db: Database): Promise<void> {
  for (const day of await daysIn(db, FREE)) {
    const tables = TABLES_BY_DAY.map((table) => `DROP TABLE IF EXISTS @${tableOf(table, day)}`);
    await inTransaction(db, [...tables, `DELETE FROM @days WHERE day = ${day}`]);
  }
}

async function inTransaction(db: Database, statements: readonly string[]): Promise<void> {
  try {
    await db.exec(`BEGIN; ${statements.join('; ')}; COMMIT`);
  } catch (error) {
    await db.exec('ROLLBACK').catch(() => {});
    throw error;
  }
}

/** Whoever holds a lock for long is passed over until the next time. */
async function unlessLocked(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (stateOf(error) !== '55P03') throw error;
  }
}
