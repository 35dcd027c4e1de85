import assert from 'node:assert/strict';
import { openSync, readFileSync, renameSync, rmSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { describe, it, type TestContext } from 'node:test';
import type { Verb } from '../../../src/store/calls/shapes.ts';
import { openStore } from '../../../src/store/open.ts';
import { createCustody } from '../../../src/store/sqlite/custody.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { isDiskFailure, isTrouble } from '../../../src/store/sqlite/driver.ts';
import { createEnter } from '../../../src/store/sqlite/entering.ts';
import { createGroup } from '../../../src/store/sqlite/group.ts';
import type { Call, Verbs } from '../../../src/store/sqlite/protocol.ts';
import type { Store } from '../../../src/store/store.ts';
import { aDatabasePath, aWebhook } from '../../support/store.ts';

async function aStore(t: TestContext): Promise<{ store: Store; path: string }> {
  const path = aDatabasePath(t);
  const store = await openStore(path, { lingerMs: 0 });
  t.after(() => store.close());
  await store.createWebhooks([aWebhook()]);
  return { store, path };
}

const create = (store: Store) => store.createWebhooks([aWebhook()]);
const unavailable = (message: RegExp) => ({ code: 'UNAVAILABLE', message });

/** How far the database at a path has come, as the file beside it says. */
const generation = (path: string) => Number(readFileSync(`${path}-generation`, 'utf8').split(' ')[1]);

/** A group of calls on a file in which `publish` and `settle` write so many bytes. `free` is what the disk has. */
function aGroup(t: TestContext, meanwhile: () => void = () => {}) {
  const path = aDatabasePath(t);
  const db = openDatabase(path);
  db.exec('CREATE TABLE bodies (body)');
  const insert = db.prepare('INSERT INTO bodies VALUES (zeroblob(?))');
  let free = Number.MAX_SAFE_INTEGER;
  const custody = createCustody(db, { free: () => free });
  t.after(() => {
    db.close();
    custody.close();
  });
  function write(bytes: number): void {
    insert.run(bytes);
    meanwhile();
  }
  const verbs = new Proxy({} as Verbs, {
    get: (_, verb) => (verb === 'checkUp' ? custody.checkUp : write),
  });
  const memory = { begin: () => {}, mark: () => 0, undo: () => {} };
  const run = createGroup({ db, verbs, memory, isTrouble, isDiskFailure, custody, enter: createEnter(db) });
  return {
    path,
    db,
    run: (verb: Verb, args: unknown = null) => run([[verb, args] as unknown as Call])[0]!,
    setFree(bytes: number) {
      free = bytes;
    },
    /** Pages that the file may have: beyond, SQLite says what it says on a full disk. */
    limit: (pages: number) => db.exec(`PRAGMA max_page_count = ${pages}`),
  };
}

describe('a store whose disk is full', () => {
  it('takes nothing new, finishes what it can, says why, and goes on by itself once there is space', (t) => {
    const { run, limit, setFree } = aGroup(t);
    assert.deepEqual(run('publish', 10).ok, true);
    assert.deepEqual(run('checkUp'), { ok: true, answer: undefined });
    limit(60);
    setFree(0);
    assert.equal(run('publish', 10_000_000).ok, false);
    const why = 'nothing can be written: database or disk is full';
    const refused = { ok: false, failure: { kind: 'UNAVAILABLE', message: why } };
    assert.deepEqual(run('publish', 10), refused);
    assert.deepEqual(run('createWebhooks', 10), refused);
    assert.deepEqual(run('settle', 10).ok, true);
    assert.deepEqual(run('getWebhooks', 10).ok, true);
    assert.deepEqual(run('checkUp'), { ok: true, answer: why });
    setFree(2 ** 30);
    limit(10_000);
    assert.deepEqual(run('checkUp'), { ok: true, answer: undefined });
    assert.deepEqual(run('publish', 10_000_000).ok, true);
  });

  it('is found out while nobody writes, too', (t) => {
    const { run, db, setFree } = aGroup(t);
    setFree(0);
    assert.deepEqual(run('checkUp'), { ok: true, answer: undefined }, 'there is room in the log');
    db.exec('PRAGMA query_only = ON');
    assert.match(String((run('checkUp') as { answer: unknown }).answer), /^nothing can be written/);
    assert.equal(run('publish', 10).ok, false);
  });

  it('shares its log as soon as there is space, where there was none for that when it was opened', (t) => {
    const { db } = aGroup(t);
    let free = 0;
    let renewed = 0;
    const file = { ...db.file!, isUnshared: () => renewed === 0, renewLog: () => void renewed++ };
    const custody = createCustody({ file }, { free: () => free });
    t.after(() => custody.close());
    db.exec('PRAGMA query_only = ON');
    assert.match(String(custody.checkUp()), /^nothing can be written/);
    assert.equal(renewed, 0);
    db.exec('PRAGMA query_only = OFF');
    free = 2 ** 30;
    assert.equal(custody.checkUp(), undefined);
    assert.equal(renewed, 1);
  });
});

describe('a store whose file is damaged', () => {
  it('that was overwritten takes nothing any more', async (t) => {
    const { store, path } = await aStore(t);
    assert.equal(await store.checkUp(), undefined);
    writeSync(openSync(path, 'r+'), 'Dear diary. ', 0);
    assert.match(String(await store.checkUp()), /damaged: its file was overwritten or cut; restore it/);
    await assert.rejects(create(store), unavailable(/damaged/));
  });

  it('that was cut takes nothing any more', async (t) => {
    const { store, path } = await aStore(t);
    truncateSync(path, 8192);
    assert.match(String(await store.checkUp()), /overwritten or cut/);
    await assert.rejects(create(store), unavailable(/damaged/));
  });

  it('is not written to any more, even to see whether anything can be written', (t) => {
    const { run, path, setFree } = aGroup(t);
    writeSync(openSync(path, 'r+'), 'Dear diary. ', 0);
    const before = generation(path);
    setFree(0);
    assert.match(String((run('checkUp') as { answer: unknown }).answer), /overwritten or cut/);
    assert.equal(generation(path), before);
  });

  it('says so from the first read that finds it', (t) => {
    const { run, db } = aGroup(t);
    const malformed = Object.assign(new Error('database disk image is malformed'), { errcode: 11 });
    const get = t.mock.method(db, 'exec', () => {
      throw malformed;
    });
    assert.equal(run('publish', 10).ok, false);
    get.mock.restore();
    assert.match(
      String((run('checkUp') as { answer: unknown }).answer),
      /is damaged: .* malformed; restore it/,
    );
    assert.equal(run('publish', 10).ok, false);
    assert.equal(run('settle', 10).ok, true);
  });
});

describe('a store whose file is not there any more', () => {
  it('acknowledges nothing, at once, and goes on once it is back', async (t) => {
    const { store, path } = await aStore(t);
    renameSync(path, `${path}.away`);
    await assert.rejects(create(store), unavailable(/was moved or deleted while it was in use/));
    assert.match(String(await store.checkUp()), /moved or deleted/);
    renameSync(`${path}.away`, path);
    assert.equal(await store.checkUp(), undefined);
    assert.deepEqual(await create(store), ['CREATED']);
  });

  it('does not acknowledge what it wrote just when the file was moved', (t) => {
    const { run, path } = aGroup(t, () => renameSync(path, `${path}.away`));
    const { failure } = run('publish', 10) as { failure?: { message: string } };
    assert.match(String(failure?.message), /was moved or deleted while it was in use/);
  });

  it('acknowledges nothing while another file is in its place', async (t) => {
    const { store, path } = await aStore(t);
    renameSync(path, `${path}.away`);
    writeFileSync(path, readFileSync(`${path}.away`));
    await assert.rejects(create(store), unavailable(/another file was put in the place of/));
    assert.match(String(await store.checkUp()), /another file/);
    renameSync(`${path}.away`, path);
    assert.equal(await store.checkUp(), undefined);
  });

  it('begins a log anew that was deleted, and has everything in the file by then', async (t) => {
    const { store, path } = await aStore(t);
    rmSync(`${path}-wal`);
    await assert.rejects(create(store), unavailable(/the log .* was deleted or replaced/));
    assert.equal(await store.checkUp(), undefined);
    assert.deepEqual(await create(store), ['CREATED']);
    const copy = aDatabasePath(t);
    for (const suffix of ['', '-wal']) writeFileSync(copy + suffix, readFileSync(path + suffix));
    const other = await openStore(copy);
    t.after(() => other.close());
    assert.equal((await other.listWebhooks({ namespace: 'default', limit: 10 })).length, 2);
  });
});

describe('a store that is in use', () => {
  it('counts on about once a minute, if anything was written', async (t) => {
    const { store, path } = await aStore(t);
    const before = generation(path);
    for (let i = 0; i < 61; i++) assert.equal(await store.checkUp(), undefined);
    assert.equal(generation(path), before + 1);
    for (let i = 0; i < 61; i++) await store.checkUp();
    assert.equal(generation(path), before + 1);
  });

  it('counts on with what is written first into a log that was emptied', async (t) => {
    const { store, path } = await aStore(t);
    assert.equal(await store.emptyLog(), true);
    const before = generation(path);
    await create(store);
    await create(store);
    assert.equal(generation(path), before + 1);
  });
});
