/** A PostgreSQL and one that follows it. */
import { connect } from '../../src/store/postgres/connection/driver.ts';
import { type OwnPostgres, startPostgres } from './postgres.ts';

export interface PostgresPair {
  readonly primary: OwnPostgres;
  readonly standby: OwnPostgres;
  /** Both, the primary first. */
  readonly url: string;
  /** Lets commits of the primary wait for the standby. */
  waitForStandby(): Promise<void>;
  /** Makes the standby a primary. */
  promote(): Promise<void>;
  stop(): Promise<void>;
}

const NAME = 'standby';

export async function startPair(): Promise<PostgresPair> {
  const primary = await startPostgres();
  await primary.shutDown();
  const follows = `host=127.0.0.1 port=${primary.port} user=carillon password=carillon application_name=${NAME}`;
  const starting = startPostgres({
    copyOf: primary.folder,
    files: { 'standby.signal': '' },
    flags: ['-c', `primary_conninfo=${follows}`],
  });
  const standby = await starting;
  await primary.start();
  await until(primary.url, 'SELECT 1 FROM pg_stat_replication');
  return {
    primary,
    standby,
    url: `postgres://carillon:carillon@127.0.0.1:${primary.port},127.0.0.1:${standby.port}/postgres`,
    async waitForStandby() {
      await run(primary.url, `ALTER SYSTEM SET synchronous_standby_names = '${NAME}'`);
      await run(primary.url, 'SELECT pg_reload_conf()');
      await until(primary.url, "SELECT 1 FROM pg_stat_replication WHERE sync_state = 'sync'");
    },
    promote: () => run(standby.url, 'SELECT pg_promote()'),
    async stop() {
      await standby.stop();
      await primary.stop();
    },
  };
}

/** Runs a statement. */
export async function run(url: string, sql: string): Promise<void> {
  await rowsOf(url, sql);
}

/** The rows of a query. */
export async function rowsOf(url: string, sql: string): Promise<unknown[]> {
  const session = await connect({ connectionString: url });
  try {
    return (await session.query(sql, undefined, [])).rows;
  } finally {
    await session.close();
  }
}

/** Waits until a query has a row. */
export async function until(url: string, sql: string): Promise<void> {
  for (let tries = 0; (await rowsOf(url, sql)).length === 0; tries++) {
    if (tries > 1_000) throw new Error(`it never happened: ${sql}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
