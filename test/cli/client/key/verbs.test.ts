import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openStore } from '../../../../src/store/open.ts';
import { runCli } from '../../../support/cli.ts';
import { sharedApi } from '../../../support/rpc.ts';
import { aDatabasePath } from '../../../support/store.ts';

const KEY = /ck_[\w-]{43}/;

describe('carillon keys', () => {
  const api = sharedApi({ locked: true });
  const carillon = async (...argv: string[]) => {
    const { key } = await api().makeKey({ role: 'ADMIN' });
    return runCli(api().url, argv, { env: { CARILLON_API_KEY: key } });
  };

  it('makes one, shows it once, and lists it without', async () => {
    const made = await carillon('keys', 'create', '--role', 'publish', '--note', 'shop', '--expires', '90d');
    assert.deepEqual([made.code, made.err], [0, '']);
    const [key] = KEY.exec(made.out) ?? assert.fail(made.out);
    assert.match(made.out, /^role +publish$/m);
    assert.match(made.out, /^expires +2026-04-01T00:00:00\.000Z \(in 90d\)$/m);
    const { out } = await carillon('keys', 'list');
    const [, prefix] =
      /^key_\w+ +(ck_[\w-]{8})… +publish +default +ACTIVE +never +in 90d +shop$/m.exec(out) ?? [];
    assert.equal(prefix, key.slice(0, 11));
    assert.ok(!out.includes(key));
  });

  it('ends one', async () => {
    const { apiKey, key } = await api().makeKey();
    const { code, out } = await carillon('keys', 'revoke', apiKey.id);
    assert.equal(code, 0);
    assert.match(out, /^Revoked\n[\s\S]*^revoked +2026-/m);
    const refused = await runCli(api().url, ['webhooks', 'list'], { env: { CARILLON_API_KEY: key } });
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^carillon: the key ck_\S+… was revoked; use another \(UNAUTHENTICATED\)\n$/);
  });

  it('names the options of what the server refuses, and asks for a role', async () => {
    const late = await carillon('keys', 'create', '--role', 'read', '--expires', '2020-01-01T00:00:00Z');
    assert.deepEqual(
      [late.code, /--expires \(expire_time\): must be in the future/.test(late.err)],
      [2, true],
    );
    const without = await carillon('keys', 'create');
    assert.deepEqual(
      [without.code, /needs --role: one of read, publish, manage, admin/.test(without.err)],
      [2, true],
    );
    const other = await carillon('keys', 'create', '--role', 'owner');
    assert.deepEqual([other.code, /one of read, publish, manage, admin/.test(other.err)], [2, true]);
  });

  it('makes the first in a database that no server has, of an admin for all namespaces', async (t) => {
    const db = aDatabasePath(t);
    const { code, out, err } = await runCli('http://127.0.0.1:9', ['keys', 'create', '--db', db]);
    assert.deepEqual([code, err], [0, '']);
    assert.match(out, KEY);
    assert.match(out, /^role +admin\nnamespace +all$/m);
    const store = await openStore(db);
    const busy = await runCli('http://127.0.0.1:9', ['keys', 'create', '--db', db]);
    assert.deepEqual([busy.code, /in use by another Carillon/.test(busy.err)], [2, true]);
    const [key] = await store.listApiKeys({ namespace: undefined, from: undefined, limit: 2 });
    await store.close();
    assert.deepEqual([key?.role, key?.namespace], ['ADMIN', undefined]);
  });
});

describe('A command', () => {
  const api = sharedApi({ locked: true });
  const FILES = '/home/zoe';

  it('calls with the key of a flag, of a file, or of the environment, in this order', async () => {
    const { key } = await api().makeKey();
    const readFile = async (path: string) => (path === join(FILES, 'key') ? `${key}\n` : undefined);
    const wrong = { CARILLON_API_KEY: 'ck_of_another_server_altogether' };
    const list = ['webhooks', 'list'];
    for (const [argv, env] of [
      [[], { CARILLON_API_KEY: key }],
      [[], { CARILLON_API_KEY_FILE: 'key' }],
      [['--api-key', key], wrong],
      [['--api-key-file', 'key'], wrong],
      [[], { CARILLON_API_KEY: key, CARILLON_API_KEY_FILE: 'none' }],
    ] as const) {
      const { code, err } = await runCli(api().url, [...list, ...argv], { env, cwd: FILES, readFile });
      assert.deepEqual([code, err], [0, ''], JSON.stringify([argv, env]));
    }
  });

  it('says what is wrong with a key, and does not repeat it', async () => {
    const cases: readonly [argv: readonly string[], env: Record<string, string>, says: RegExp][] = [
      [[], {}, /takes only calls with a key: send authorization: Bearer ck_… \(UNAUTHENTICATED\)/],
      [
        [],
        { CARILLON_API_KEY: 'hunter2' },
        /^carillon: CARILLON_API_KEY is no key; a key begins with ck_\n$/,
      ],
      [[], { CARILLON_API_KEY: 'ck_hunter2 ck_b' }, /^carillon: CARILLON_API_KEY is no key/],
      [['--api-key-file', 'none'], {}, /^carillon: --api-key-file: there is no file \/home\/zoe\/none\n$/],
    ];
    await api().makeKey();
    for (const [argv, env, says] of cases) {
      const given = { env, cwd: FILES, readFile: async () => undefined };
      const { code, err } = await runCli(api().url, ['webhooks', 'list', ...argv], given);
      assert.notEqual(code, 0);
      assert.match(err, says);
      assert.ok(!err.includes('hunter2'));
    }
  });

  it('leaves out of status what a key for reading may not count', async () => {
    const { key } = await api().makeKey();
    const { code, out } = await runCli(api().url, ['status'], { env: { CARILLON_API_KEY: key } });
    assert.equal(code, 0);
    assert.match(out, /^webhooks +0$/m);
    assert.doesNotMatch(out, /waiting/);
  });
});
