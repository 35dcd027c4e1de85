import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { openStore, type StoreOptions } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import { aDatabasePath, aWebhook } from '../../support/store.ts';

async function opened(t: TestContext, path: string, options: StoreOptions = {}): Promise<Store> {
  const store = await openStore(path, { lingerMs: 0, ...options });
  t.after(() => store.close());
  return store;
}

async function register(store: Store): Promise<void> {
  assert.deepEqual(await store.createWebhooks([aWebhook()]), ['CREATED']);
}

async function registered(store: Store): Promise<number> {
  return (await store.listWebhooks({ namespace: 'default', limit: 10 })).length;
}

/** Copies what there is of the files with these endings, into files that are there already too. */
function copyFiles(from: string, to: string, ...endings: string[]): void {
  for (const ending of endings) if (existsSync(from + ending)) copyFileSync(from + ending, to + ending);
}

const ALL = ['', '-wal', '-shm', '-generation'];

/** A path at which everything is as a process leaves it that is killed while one webhook is in the log only. */
async function aKilled(t: TestContext): Promise<string> {
  const [path, kept] = [aDatabasePath(t), aDatabasePath(t)];
  const store = await openStore(path, { lingerMs: 0 });
  await register(store);
  copyFiles(path, kept, ...ALL);
  await store.close();
  copyFiles(kept, path, ...ALL);
  return path;
}

async function refused(path: string, message: RegExp): Promise<void> {
  await assert.rejects(openStore(path), { code: 'FAILED_PRECONDITION', message });
}

describe('a database that a process was killed with', () => {
  it('is opened with its log, without a word', async (t) => {
    const path = await aKilled(t);
    assert.equal(await registered(await opened(t, path)), 1);
  });

  it('is refused as older without its log, and as itself, until that is meant', async (t) => {
    const path = await aKilled(t);
    rmSync(`${path}-wal`);
    const message =
      /is older than the .* here last: its log .*-wal is missing, .* start once with --restored$/;
    await refused(path, message);
    await refused(path, message);
    assert.equal(await registered(await opened(t, path, { restored: true })), 0);
  });

  it('is refused as not whole without its log, where nothing else says how far it had come', async (t) => {
    const path = await aKilled(t);
    for (const ending of ['-wal', '-generation']) rmSync(path + ending);
    await refused(path, /is not whole: it was in use, and its log .*-wal, .* is missing/);
  });

  it('is opened once SQLite has written its log back, which then removes the index of it, too', async (t) => {
    const path = await aKilled(t);
    for (const ending of ['-wal', '-generation', '-shm']) rmSync(path + ending);
    await opened(t, path);
  });
});

describe('a database that is another than the one that was here last', () => {
  it('is refused where it is older, its log or not, until that is meant', async (t) => {
    const [path, backup] = [aDatabasePath(t), aDatabasePath(t)];
    await (await openStore(path)).close();
    copyFiles(path, backup, '');
    const store = await openStore(path);
    await register(store);
    await store.close();
    copyFiles(backup, path, '');
    await refused(path, /is older than the database that was here last.*; put back .* --restored$/);
    writeFileSync(`${path}-wal`, '');
    await refused(path, /is older than the database that was here last; put back/);
    assert.equal(await registered(await opened(t, path, { restored: true })), 0);
  });

  it('is refused where it never was that one', async (t) => {
    const [path, other] = [aDatabasePath(t), aDatabasePath(t)];
    for (const each of [path, other]) await (await openStore(each)).close();
    copyFiles(other, path, '');
    await refused(path, /is another database than the one that was here last; put back .* --restored$/);
    await opened(t, path, { restored: true });
  });

  it('is refused where it is missing or empty, and nothing is made', async (t) => {
    const path = aDatabasePath(t);
    await (await openStore(path)).close();
    rmSync(path);
    const message = /is missing or empty, but a database was here before; put back .* --restored$/;
    await refused(path, message);
    assert.equal(existsSync(path), false);
    writeFileSync(path, '');
    await refused(path, message);
    await opened(t, path, { restored: true });
  });
});

describe('a copy of a database in use', () => {
  it('is taken with its log, and refused without it', async (t) => {
    const [path, whole, alone] = [aDatabasePath(t), aDatabasePath(t), aDatabasePath(t)];
    await register(await opened(t, path));
    copyFiles(path, whole, '', '-wal');
    copyFiles(path, alone, '');
    assert.equal(await registered(await opened(t, whole)), 1);
    await refused(alone, /is not whole: it was in use, and its log .*-wal, .* is missing/);
  });

  it('is taken as SQLite makes it, which needs no log', async (t) => {
    const [path, copy] = [aDatabasePath(t), aDatabasePath(t)];
    await register(await opened(t, path));
    const source = new DatabaseSync(path, { readOnly: true });
    source.exec(`VACUUM INTO '${copy}'`);
    source.close();
    assert.equal(await registered(await opened(t, copy)), 1);
  });
});

describe('a database file that others can read', () => {
  it('is opened with a warning, unlike one that its owner alone can read', async (t) => {
    const path = aDatabasePath(t);
    const warnings: string[] = [];
    const warn = (sentence: string) => void warnings.push(sentence);
    await (await openStore(path, { warn })).close();
    assert.deepEqual(warnings, []);
    for (const mode of [0o640, 0o604, 0o660]) {
      chmodSync(path, mode);
      await (await openStore(path, { warn })).close();
      assert.deepEqual(warnings.splice(0), [
        `the database file ${path} can be read by other users; chmod 600 it`,
      ]);
    }
  });
});
