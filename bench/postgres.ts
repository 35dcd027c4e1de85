import { readdir, readFile } from 'node:fs/promises';
import { connect } from '../src/store/postgres/connection/driver.ts';
import { startPostgres } from '../test/support/postgres.ts';
import type { Product } from './process.ts';

/** A PostgreSQL of the bench's own, on the same machine. */
export interface Server {
  /** The URL of a schema that nobody has used. */
  schemaUrl(): string;
  /** CPU time of all its processes so far. */
  cpuUs(): Promise<number>;
  /** Opens a transaction that has read and does nothing more, until it is closed. */
  idle(): Promise<{ close(): Promise<void> }>;
  /** Runs statements in a schema. */
  run(url: string, ...statements: readonly string[]): Promise<void>;
  stop(): Promise<void>;
}

/** What the kernel counts in: https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
const TICK_US = 10_000;

export async function startServer(): Promise<Server> {
  const postgres = await startPostgres();
  const session = await connect({ connectionString: postgres.url });
  const { parent: main } = await readStat(session.pid);
  let schemas = 0;

  return {
    schemaUrl() {
      const url = new URL(postgres.url);
      url.searchParams.set('schema', `bench_${++schemas}`);
      return url.href;
    },
    async cpuUs() {
      let ticks = 0;
      for (const name of await readdir('/proc')) {
        if (!/^\d+$/.test(name)) continue;
        // It can have ended since.
        const stat = await readStat(Number(name)).catch(() => undefined);
        if (stat === undefined) continue;
        if (Number(name) === main) ticks += stat.own + stat.ended;
        else if (stat.parent === main) ticks += stat.own;
      }
      return ticks * TICK_US;
    },
    async idle() {
      const reader = await connect({ connectionString: postgres.url });
      await reader.exec('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT pg_current_snapshot()');
      return { close: () => reader.close() };
    },
    async run(url, ...statements) {
      const schema = new URL(url).searchParams.get('schema');
      await session.exec(`SET search_path = ${schema}`);
      for (const statement of statements) await session.exec(statement);
    },
    async stop() {
      await session.close();
      await postgres.stop();
    },
  };
}

/** The same server of Carillon, whose CPU time has that of PostgreSQL in it. */
export function withServer(product: Product, server: Pick<Server, 'cpuUs'>): Product {
  return { ...product, cpuUs: async () => (await product.cpuUs()) + (await server.cpuUs()) };
}

interface Stat {
  readonly parent: number;
  /** In ticks, of all its threads. */
  readonly own: number;
  /** Of its children that have ended. */
  readonly ended: number;
}

async function readStat(pid: number): Promise<Stat> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  // The name in parentheses can have anything in it. What follows begins with the third field.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  const at = (field: number): number => Number(fields[field - 3]);
  return { parent: at(4), own: at(14) + at(15), ended: at(16) + at(17) };
}
