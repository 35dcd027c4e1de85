import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Config, loadConfig } from '../../src/server/config/load.ts';
import { checkExposure, type Exposure } from '../../src/server/exposure.ts';
import { createKeyInDatabase } from '../../src/server/key-in-database.ts';
import { startServer } from '../../src/server/start.ts';
import { recordingLog } from '../support/log.ts';

const at = (host: string) => ({ host, port: 8090 });
const BARE: Exposure = {
  addresses: [at('0.0.0.0')],
  db: 'carillon.db',
  locked: false,
  noKeys: false,
  proxied: false,
  tls: false,
  plaintext: false,
};
const GIVEN = `ck_${'0123456789abcdef'.repeat(4)}`;

describe('A server', () => {
  it('listens on loopback without keys and without TLS', () => {
    for (const host of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
      checkExposure({ ...BARE, addresses: [at(host)] });
    }
  });

  it('listens nowhere else without keys or without TLS, and says what is missing', () => {
    const keys =
      /make one with `carillon keys create --db carillon\.db`, set CARILLON_BOOTSTRAP_KEY, or .* --no-keys/;
    const tls = /--tls-cert and --tls-key, .* behind a proxy that has one, or .* --plaintext/;
    for (const host of ['0.0.0.0', '::', '192.168.1.7', '127.evil.example', 'hooks.example.com']) {
      const refused = (missing: Partial<Exposure>, ...words: readonly RegExp[]) => {
        const addresses = [at('127.0.0.1'), at(host)];
        for (const word of words) {
          assert.throws(() => checkExposure({ ...BARE, addresses, ...missing }), {
            reason: 'EXPOSED',
            message: word,
          });
        }
      };
      refused({}, keys, tls, new RegExp(host.includes(':') ? '\\[::\\]:8090' : `${host}:8090`));
      refused({ plaintext: true }, keys);
      refused({ locked: true }, tls);
      refused({ noKeys: true }, tls);
      refused({ tls: true }, keys);
    }
  });

  it('listens where it is told when both are there, or are plainly not wanted', () => {
    checkExposure({ ...BARE, locked: true, plaintext: true });
    checkExposure({ ...BARE, noKeys: true, plaintext: true });
    checkExposure({ ...BARE, locked: true, tls: true });
    checkExposure({ ...BARE, noKeys: true, tls: true });
  });

  it('listens on loopback behind a proxy only with keys, since others call through that', () => {
    const near: Exposure = { ...BARE, addresses: [at('127.0.0.1')], proxied: true };
    assert.throws(() => checkExposure(near), {
      reason: 'EXPOSED',
      message:
        /^not listening behind the proxies of --trusted-proxies, through which others can reach it: there is no key yet, .*--no-keys if that is meant$/,
    });
    checkExposure({ ...near, locked: true });
    checkExposure({ ...near, noKeys: true });
  });
});

describe('A server that others can reach', () => {
  const { log } = recordingLog();
  const OPEN = ['--listen', '0.0.0.0:0', '--plaintext'];

  it('starts once a key was made in its database, and takes only calls with that', async (t) => {
    const db = await aDatabase(t);
    await assert.rejects(startServer(await configOf(db, ...OPEN), { log }), { reason: 'EXPOSED' });
    const { key } = await createKeyInDatabase(db, surroundings({}), {
      namespace: undefined,
      role: 'ADMIN',
      note: '',
      callsPerSecond: 0,
    });
    await using server = await started(await configOf(db, ...OPEN));
    assert.deepEqual([await server.ask(), await server.ask(key)], [401, 200]);
    // One that is running has the database.
    const order = { namespace: undefined, role: 'ADMIN', note: '', callsPerSecond: 0 } as const;
    await assert.rejects(createKeyInDatabase(db, surroundings({}), order), /is in use by another Carillon/);
  });

  it('gets no key made in its database for a namespace that is not there, nor a first that can make no other', async (t) => {
    const db = await aDatabase(t);
    const about = { role: 'READ', note: '', callsPerSecond: 0 } as const;
    const order = { ...about, namespace: 'nobody' };
    await assert.rejects(createKeyInDatabase(db, surroundings({}), order), {
      reason: 'NAMESPACE_NOT_FOUND',
    });
    const ofDefault = { ...about, namespace: 'default' };
    await assert.rejects(createKeyInDatabase(db, surroundings({}), ofDefault), {
      reason: 'FIRST_KEY_NOT_ADMIN',
    });
    await createKeyInDatabase(db, surroundings({}), { ...about, role: 'ADMIN', namespace: undefined });
    const { apiKey } = await createKeyInDatabase(db, surroundings({}), ofDefault);
    assert.equal(apiKey.namespace, 'default');
  });

  it('starts with a key that the environment gives', async (t) => {
    const env = { CARILLON_BOOTSTRAP_KEY: GIVEN };
    await using server = await started(await configOf(await aDatabase(t), ...OPEN, env));
    assert.deepEqual([await server.ask(), await server.ask(GIVEN)], [401, 200]);
  });

  it('takes calls without a key where that is said', async (t) => {
    const db = await aDatabase(t);
    const env = { CARILLON_BOOTSTRAP_KEY: GIVEN };
    await using server = await started(await configOf(db, ...OPEN, '--no-keys', env));
    assert.equal(await server.ask(), 200);
  });

  it('is not started with a key that is too short, which no message repeats', async (t) => {
    const db = await aDatabase(t);
    const short = configOf(db, { CARILLON_BOOTSTRAP_KEY: 'ck_hunter2' });
    await assert.rejects(short, (error: Error) => {
      assert.match(
        error.message,
        /^CARILLON_BOOTSTRAP_KEY: its value is not allowed; give ck_ and 40 to 128/,
      );
      return !error.message.includes('hunter2');
    });
  });

  it('ignores the key of the commands that call it', async (t) => {
    const db = await aDatabase(t);
    await configOf(db, { CARILLON_API_KEY: GIVEN, CARILLON_API_KEY_FILE: 'key' });
  });
});

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

type Env = Readonly<Record<string, string>>;

async function aDatabase(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-exposure-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'carillon.db');
}

function surroundings(env: Env) {
  return { env, cwd: '/', terminal: false, readFile: async () => undefined };
}

function configOf(db: string, ...given: readonly (string | Env)[]): Promise<Config> {
  const argv = given.filter((each) => typeof each === 'string');
  const env = Object.assign({}, ...given.filter((each) => typeof each !== 'string')) as Env;
  const all = ['--db', db, '--listen', '127.0.0.1:0', '--grpc-listen', 'off', ...argv];
  return loadConfig('serve', { argv: all, ...surroundings(env) });
}

/** The status of a list over REST, with a key and without. */
async function started(config: Config) {
  const server = await startServer(config, { log: recordingLog().log });
  return {
    ask: async (key?: string) => {
      const headers: Record<string, string> = key === undefined ? {} : { authorization: `Bearer ${key}` };
      const response = await fetch(`http://127.0.0.1:${server.address.port}/v1/webhooks`, { headers });
      await response.arrayBuffer();
      return response.status;
    },
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
