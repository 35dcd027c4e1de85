import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { openStore } from '../../../src/store/open.ts';
import { openDatabase } from '../../../src/store/sqlite/database.ts';
import { aDatabasePath, anEvent, aPublication, aWebhook, T0 } from '../../support/store.ts';

/** The value that FULL has: https://www.sqlite.org/pragma.html#pragma_synchronous. */
const FULL = 2;

describe('a database in a file', () => {
  it('syncs every commit to the disk before it is told of', async (t) => {
    const db = openDatabase(aDatabasePath(t));
    assert.deepEqual(db.prepare('PRAGMA synchronous').get(), [FULL]);
    assert.deepEqual(db.prepare('PRAGMA journal_mode').get(), ['wal']);
    db.close();
  });

  it('holds nothing any more of an event that was purged', async (t) => {
    const path = aDatabasePath(t);
    const store = await openStore(path, { lingerMs: 0 });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const publications = ['before', 'personal', 'after'].map((callerId) => {
      const body = new TextEncoder().encode(`the data of ${callerId}, `.repeat(20));
      const event = anEvent({ callerId, type: 'order.paid', contentType: 'text/plain', body });
      return { ...aPublication([webhook.id]), event, remember: { digest: 'd', until: T0 } };
    });
    await store.publish(publications);
    await store.purgeEvents([{ namespace: 'default', id: 'personal' }]);
    await store.close();
    const file = readFileSync(path, 'latin1');
    assert.equal(file.includes('the data of personal'), false);
    assert.ok(file.includes('the data of after'));
  });

  it('holds nothing any more, its log included, of an event that was purged, once that log is emptied', async (t) => {
    const path = aDatabasePath(t);
    const store = await openStore(path, { lingerMs: 0 });
    t.after(() => store.close());
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    const event = anEvent({ callerId: 'personal', body: new TextEncoder().encode('the data of personal') });
    await store.publish([{ ...aPublication([webhook.id]), event, remember: { digest: 'd', until: T0 } }]);
    const files = () => [path, `${path}-wal`].map((file) => readFileSync(file, 'latin1')).join();
    assert.ok(files().includes('the data of personal'));
    await store.purgeEvents([{ namespace: 'default', id: 'personal' }]);
    assert.equal(await store.emptyLog(), true);
    assert.equal(files().includes('the data of personal'), false);
    assert.equal(statSync(`${path}-wal`).size, 0);
  });

  it('leaves its log as it is while nothing was erased: one that is cut has to grow again', async (t) => {
    const path = aDatabasePath(t);
    const store = await openStore(path, { lingerMs: 0 });
    t.after(() => store.close());
    assert.equal(await store.emptyLog(), true);
    await store.createWebhooks([aWebhook()]);
    const { size } = statSync(`${path}-wal`);
    assert.equal(await store.emptyLog(), true);
    assert.equal(statSync(`${path}-wal`).size, size);
    assert.ok(size > 0);
  });

  it('says that its log cannot be emptied while another program is reading, and goes on', async (t) => {
    const path = aDatabasePath(t);
    const store = await openStore(path, { lingerMs: 0 });
    t.after(() => store.close());
    const reader = new DatabaseSync(path, { readOnly: true });
    t.after(() => reader.close());
    reader.exec('BEGIN');
    reader.prepare('SELECT count(*) FROM webhooks').get();
    const written = store.createWebhooks([aWebhook()]);
    assert.deepEqual(await Promise.all([written.then(() => 'written'), store.emptyLog()]), [
      'written',
      false,
    ]);
    reader.exec('COMMIT');
    assert.equal(await store.emptyLog(), true);
  });

  it('keeps nothing that was asked for of a webhook that was removed, least of all its secrets', async (t) => {
    const path = aDatabasePath(t);
    const store = await openStore(path, { lingerMs: 0 });
    const webhook = aWebhook();
    await store.createWebhooks([webhook]);
    assert.deepEqual(await store.removeWebhooks([{ id: webhook.id, now: T0 }]), ['REMOVED']);
    await store.close();
    const db = openDatabase(path);
    const rows = db.prepare('SELECT name, destination, secrets, spec FROM webhooks').all();
    db.close();
    assert.deepEqual(rows, [['', '', '[]', '{}']]);
  });
});
