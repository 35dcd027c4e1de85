import type { ClientDeps } from '../client.ts';
import { messageOf, type Session } from '../connection/driver.ts';
import type { Link } from '../connection/link.ts';
import type { Context } from '../context.ts';
import { createDatabase, type Database } from '../database.ts';
import { createPartitions } from './partitions.ts';
import { createWaitingVacuum } from './waiting-vacuum.ts';

export interface UpkeepDeps {
  readonly link: Link;
  readonly context: Pick<Context, 'erased'>;
  readonly connect: () => Promise<Session>;
  readonly schema: string;
  /** How long the database may take to say that it is there. */
  readonly patienceMs: number;
}

/** Tables in which dead rows can have what was erased. */
const WITH_DATA = ['events', 'history', 'journal', 'renderings', 'requests', 'namespace_keys', 'webhooks'];

/**
 * Whether somebody reads, or may come to read, the database as it was before a transaction: dead rows stay for them. Of
 * other users only who may see their sessions knows.
 */
const HELD = `
  SELECT (EXISTS (
    SELECT 1 FROM pg_stat_activity
    WHERE backend_type IN ('client backend', 'walsender') AND pid <> pg_backend_pid()
      AND age(backend_xmin) > age(?1::xid8::xid))
  OR EXISTS (SELECT 1 FROM pg_replication_slots WHERE age(xmin) > age(?1::xid8::xid)))::integer`;

/** What is done while others are served: to see whether the database is there, to clear away, and to make room. */
export function createUpkeep(deps: UpkeepDeps): ClientDeps['apart'] {
  const { link, context, connect, schema, patienceMs } = deps;
  const partitions = createPartitions(schema);
  const vacuumWaiting = createWaitingVacuum(schema);

  /** On a connection of its own, since others need not wait for it. */
  async function beside<T>(work: (db: Database) => Promise<T>): Promise<T> {
    const session = await connect();
    try {
      const db = createDatabase(schema, () => session);
      // An operator's bound on statements is for those of every day.
      await db.exec('SET statement_timeout = 0');
      return await work(db);
    } finally {
      await session.close();
    }
  }

  /** What is erased meanwhile may be left. Returns whether nobody can read any more what was erased before. */
  async function vacuumErased(db: Database): Promise<boolean> {
    const [days, now] = [
      await db.prepare<[day: number]>('SELECT day FROM @days').all(),
      await db.prepare<[xid: string]>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text').get(),
    ];
    const tables = context.erased.take(days.map(([day]) => day));
    let isGone = false;
    try {
      for (const table of tables) await db.exec(`VACUUM (TRUNCATE false) @${table}`);
      const [held] = (await db.prepare<[held: number]>(HELD).get(now![0])) ?? [];
      isGone = held === 0;
      return isGone;
    } finally {
      if (!isGone) context.erased.giveBack(tables);
    }
  }

  async function rewrite(db: Database): Promise<true> {
    for (const table of WITH_DATA) await db.exec(`VACUUM FULL @${table}`);
    return true;
  }

  return {
    async checkUp() {
      if (!link.isUp()) return `the database cannot be reached: ${messageOf(link.trouble())}`;
      try {
        const isReadOnly = await Promise.race([asked(link.session()), patience(patienceMs)]);
        if (isReadOnly === undefined) return `the database has not answered for ${patienceMs} ms`;
        if (!isReadOnly) return undefined;
        // Another server may be the primary by now.
        link.session().abandon();
        return 'the database can only be read';
      } catch (error) {
        return `the database cannot be asked: ${messageOf(error)}`;
      }
    },

    emptyLog: async () => context.erased.isEmpty() || beside(vacuumErased),
    rewrite: () => beside(rewrite),

    tidy: ([now, finishedBefore]) =>
      beside(async (db) => {
        await partitions.renew(db, now, finishedBefore);
        await vacuumWaiting(db, now);
        return null;
      }),
  };
}

/** Whether the database can only be read. */
async function asked(session: Session): Promise<boolean> {
  const { rows } = await session.query(
    "SELECT (current_setting('transaction_read_only') = 'on')::integer",
    undefined,
    [],
  );
  return (rows[0] as number[])[0] === 1;
}

function patience(ms: number): Promise<undefined> {
  return new Promise((resolve) => void setTimeout(resolve, ms, undefined).unref());
}
