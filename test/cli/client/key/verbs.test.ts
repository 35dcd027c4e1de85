import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openStore } from '../../../../src/store/open.ts';
import { runCli } from '../../../support/cli.ts';
import { sharedApi, startApi } from '../../../support/rpc.ts';
import { untilSealed } from '../../../support/seal-rotation.ts';
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
    assert.equal(code, 0);
    assert.match(
      err,
      /^carillon: \S+\.db\.key is new: it has the key that seals secrets in .*; keep a copy of it/,
    );
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

describe('carillon keys rotate', () => {
  const rotating = async (argv: readonly string[]) => {
    await using api = await startApi();
    let isStopped = false;
    const steps = (async () => {
      for (; !isStopped; await new Promise(setImmediate)) await api.sealRotation.tick();
    })();
    const run = (...args: readonly string[]) => runCli(api.url, ['keys', 'rotate', ...args]);
    const before = api.sealRotation.status().keyId;
    const said = await run(...argv);
    const { keyId } = api.sealRotation.status();
    const status = await run('--status');
    isStopped = true;
    await steps;
    return { ...said, before, keyId, status };
  };

  it('replaces the key, waits until everything is sealed anew, and says what to do with the old one', async () => {
    const { code, out, err, before, keyId, status } = await rotating([]);
    assert.equal(code, 0);
    assert.equal(err, `carillon: the key ${keyId} seals from now on, in place of ${before}\n`);
    assert.match(out, new RegExp(`^sealing +done\nkey +${keyId}\nolder keys +${before}\n`));
    assert.match(
      out,
      new RegExp(
        `\n\nNow the key ${before} can be taken out of the pocket of a test. Keep it with the backups`,
      ),
    );
    assert.deepEqual([status.code, status.err], [0, '']);
    assert.match(status.out, /^sealing +done\n/);
  });

  it('only begins where it is told not to wait, and prints JSON for a script', async () => {
    const { code, out, err, before } = await rotating(['--no-wait', '--json']);
    assert.deepEqual([code, err], [0, '']);
    const { rotation } = JSON.parse(out) as { rotation: Record<string, unknown> };
    assert.equal(rotation.state, 'STATE_RUNNING');
    assert.deepEqual(rotation.olderKeyIds, [before]);
  });

  it('changes nothing where it is only asked how far it is', async () => {
    const { out, before, keyId } = await rotating(['--status']);
    assert.equal(keyId, before);
    assert.match(out, new RegExp(`^sealing +done\nkey +${before}\nplace `));
  });

  it('waits for one that is under way, and begins no other', async () => {
    await using api = await startApi();
    const { keyId } = await api.sealRotation.rotate(api.sealRotation.status().keyId);
    const waiting = runCli(api.url, ['keys', 'rotate']);
    await api.line(({ message }) => message.startsWith('carillon.v1.AdminService/GetSealKeyRotation'));
    await untilSealed(api.sealRotation);
    const { code, out, err } = await waiting;
    assert.equal(code, 0);
    assert.match(
      err,
      new RegExp(`^carillon: the key ${keyId} took the place of another before, and not everything`),
    );
    assert.match(out, new RegExp(`^sealing +done\nkey +${keyId}\n`));
  });

  it('needs a key that is for all namespaces', async () => {
    await using api = await startApi({ locked: true });
    const { key } = await api.makeKey({ role: 'ADMIN', namespace: 'default' });
    const { code, err } = await runCli(api.url, ['keys', 'rotate'], { env: { CARILLON_API_KEY: key } });
    assert.equal(code, 1);
    assert.match(err, /^carillon: this key is for the namespace default, and not for all; use a key for all/);
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
