import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, describe, test } from 'node:test';
import { openStore } from '../../src/store/open.ts';
import { aPublication, aWebhook, T0 } from '../support/store.ts';
import { TOGETHER } from '../support/together.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-open-'));
after(() => rmSync(folder, { recursive: true, force: true }));

let paths = 0;
const aPath = (): string => join(folder, `${++paths}.db`);

/** What the person who starts the server reads. */
async function refusalOf(url: string): Promise<string> {
  const error: unknown = await openStore(url).then(
    (store) => store.close(),
    (reason) => reason,
  );
  assert.ok(error instanceof Error && 'code' in error, `${url} was opened`);
  assert.equal(error.code, 'FAILED_PRECONDITION');
  return error.message;
}

describe('opening a store', TOGETHER, () => {
  test('a path, and a path after "sqlite:", name the same file', async () => {
    const path = aPath();
    const webhook = aWebhook();
    const first = await openStore(path);
    await first.createWebhooks([webhook]);
    await first.close();
    for (const url of [`sqlite:${path}`, `sqlite://${path}`, `SQLite:${path}`]) {
      const again = await openStore(url);
      assert.deepEqual(await again.getWebhooks([webhook.id]), [webhook]);
      await again.close();
    }
  });

  test('databases in memory are apart from each other', async () => {
    const [one, two] = [await openStore(':memory:'), await openStore('sqlite::memory:')];
    const webhook = aWebhook();
    await one.createWebhooks([webhook]);
    assert.deepEqual(await two.getWebhooks([webhook.id]), [undefined]);
    await Promise.all([one.close(), two.close()]);
  });

  for (const url of ['mysql://u:p@h/db', 'https://h/x.db']) {
    test(`${url.replace(/:.*/, '')} is refused, saying what can be used`, async () => {
      const message = await refusalOf(url);
      assert.match(message, /in SQLite or PostgreSQL; give a file path, /);
      assert.ok(!message.includes('u:p'), 'a password is not repeated');
    });
  }

  for (const url of ['', 'sqlite:', 'sqlite://']) {
    test(`"${url}" names no database`, async () => {
      assert.match(await refusalOf(url), /name a database/);
    });
  }

  test('a new file can be read by its owner only, and so can what SQLite puts beside it', async () => {
    const path = aPath();
    const store = await openStore(path);
    await store.createWebhooks([aWebhook()]);
    for (const suffix of ['', '-wal', '-shm', '-lock']) {
      assert.equal(statSync(path + suffix).mode & 0o777, 0o600, suffix);
    }
    await store.close();
  });

  test('an empty file is made a database', async () => {
    const path = aPath();
    writeFileSync(path, '');
    await (await openStore(path)).close();
  });

  test('a file in a folder that is not there is refused', async () => {
    assert.match(
      await refusalOf(join(folder, 'nowhere', 'a.db')),
      /cannot be created: there is no folder .*nowhere; make it, or give another place/,
    );
  });

  test('a folder is refused', async () => {
    const path = aPath();
    mkdirSync(path);
    assert.match(await refusalOf(path), /cannot be opened/);
  });

  test('a file that is no database is refused, and left as it is', async () => {
    const path = aPath();
    writeFileSync(path, 'Dear diary. '.repeat(1000));
    assert.match(await refusalOf(path), /not an SQLite database/);
    assert.equal(statSync(path).size, 12_000);
  });

  test('a database of another program is refused, and left as it is', async () => {
    const path = aPath();
    const other = new DatabaseSync(path);
    other.exec('CREATE TABLE diary (day, text)');
    other.close();
    assert.match(await refusalOf(path), /another program/);
    const { size } = statSync(path);
    assert.equal(size, 8192, 'one page for the schema and one for the table');
  });

  test('a schema newer than the program is refused', async () => {
    const path = aPath();
    await (await openStore(path)).close();
    const db = new DatabaseSync(path);
    db.exec('PRAGMA user_version = 999');
    db.close();
    assert.match(await refusalOf(path), /newer Carillon \(schema 999; this version knows \d+\)/);
  });

  test('what was to be given up when the last process ended is polled first', async () => {
    const path = aPath();
    const webhook = aWebhook();
    const first = await openStore(path);
    await first.createWebhooks([webhook]);
    const publications = Array.from({ length: 3 }, () => aPublication([webhook.id], { dueAt: T0 + 999_999 }));
    await first.publish(publications);
    const [, ending, done] = (await first.pollWaiting()).deliveries;
    const orders = [ending!, done!].map(({ id }) => ({ namespace: webhook.namespace, id, now: T0 }));
    await first.cancelDeliveries(orders);
    const transition = { to: 'CANCELLED', reason: 'REQUESTED' } as const;
    await first.settle([{ delivery: done!, transition, now: T0 }], []);
    await first.close();

    const again = await openStore(path);
    assert.deepEqual((await again.pollWaiting()).deliveries, [{ ...ending!, ending: 'REQUESTED' }]);
    await again.close();
  });

  test('a file that is open is refused, naming its holder, until it is closed', async () => {
    const path = aPath();
    const link = aPath();
    const first = await openStore(path);
    symlinkSync(path, link);
    for (const url of [path, `sqlite:${path}`, link]) {
      const message = await refusalOf(url);
      assert.match(message, /in use by another Carillon/);
      assert.ok(message.includes(`process ${process.pid}`), message);
    }
    assert.deepEqual(await first.createWebhooks([aWebhook()]), ['CREATED'], 'the first goes on');
    await first.close();
    await (await openStore(path)).close();
  });

  test('a file that is open can be read by others', async () => {
    const path = aPath();
    const store = await openStore(path);
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const reader = new DatabaseSync(path, { readOnly: true });
    assert.deepEqual({ ...reader.prepare('SELECT id FROM webhooks').get() }, { id: webhook.id });
    reader.close();
    await store.close();
  });

  test('closing leaves everything in the one file', async () => {
    const path = aPath();
    const store = await openStore(path);
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    await store.close();
    assert.equal(statSync(`${path}-wal`, { throwIfNoEntry: false }), undefined);
  });
});
