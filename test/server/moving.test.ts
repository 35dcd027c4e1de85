import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it, type TestContext } from 'node:test';
import { systemRandom } from '../../src/domain/random.ts';
import type { SigningSecret } from '../../src/domain/webhook/rotation.ts';
import { type Config, loadConfig } from '../../src/server/config/load.ts';
import { backUpDatabase } from '../../src/server/moving/backup.ts';
import { exportDatabase } from '../../src/server/moving/export.ts';
import { importFile } from '../../src/server/moving/import.ts';
import { restoreDatabase } from '../../src/server/moving/restore.ts';
import { openStore } from '../../src/store/open.ts';
import { manualClock } from '../support/clock.ts';
import { recordingLog } from '../support/log.ts';
import { aPublication, aSecret, aWebhook, T0 } from '../support/store.ts';

const COUNT = 1_200;

function aFolder(t: TestContext): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'carillon-moving-')));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

function configOf(db: string, key = 'a'): Promise<Config> {
  const argv = ['--db', db, '--secrets-key', key.repeat(64)];
  return loadConfig('serve', { argv, env: {}, cwd: '/', terminal: false, readFile: async () => undefined });
}

function deps(progress: (step: string, done: number, total: number) => void = () => {}) {
  return { clock: manualClock(T0), random: systemRandom(), log: recordingLog().log, progress };
}

/** An export of a database with more deliveries than are moved at a time. */
async function anExport(folder: string, secrets: readonly SigningSecret[] = []): Promise<string> {
  const db = join(folder, 'from.db');
  const store = await openStore(db);
  const webhook = aWebhook({ secrets });
  await store.createWebhooks([webhook]);
  await store.publish(Array.from({ length: COUNT }, () => aPublication([webhook.id])));
  await store.close();
  const file = join(folder, 'all.export');
  const steps = new Set<string>();
  const told: number[] = [];
  const exported = await exportDatabase(
    await configOf(db),
    file,
    { history: false },
    deps((step, done, total) => {
      steps.add(step);
      told.push(done / total);
    }),
  );
  assert.equal(exported.rows.deliveries, COUNT);
  assert.deepEqual([...steps], ['exporting']);
  assert.equal(told.at(-1), 1);
  return file;
}

describe('a backup', () => {
  it('is of a file of SQLite only, and says what else there is', async () => {
    const clock = manualClock(T0);
    const store = 'postgres://u:secret@db.example/carillon';
    for (const work of [
      () => backUpDatabase({ pgEnvironment: {}, db: 'x', store }, 'b', clock),
      () => backUpDatabase({ pgEnvironment: {}, db: ':memory:', store: undefined }, 'b', clock),
    ]) {
      assert.throws(work, {
        reason: 'DATABASE_UNUSABLE',
        message: /is no file of SQLite; pg_dump makes a copy of it/,
      });
    }
    const config = { ...(await configOf('x')), store };
    await assert.rejects(restoreDatabase(config, 'b', { replace: false }, deps()), (error: Error) => {
      assert.match(error.message, /is no file of SQLite; restore its own dump with pg_restore/);
      return !error.message.includes('secret');
    });
  });
});

describe('an import', () => {
  it('that is broken off goes on where it was, says how far it is, and is compared at its end', async (t) => {
    const folder = aFolder(t);
    const file = await anExport(folder);
    const config = await configOf(join(folder, 'to.db'));
    const none = { fromKeyFile: undefined };
    const stopping = deps((step, done, total) => {
      if (step === 'importing' && done > total / 2) throw new Error('the machine was switched off');
    });
    await assert.rejects(importFile(config, file, none, stopping), /switched off/);
    const before = readdirSync(folder);

    const told = new Map<string, number[]>();
    const going = deps((step, done, total) => {
      told.set(step, [...(told.get(step) ?? []), done / total]);
    });
    const { resumed, rows } = await importFile(config, file, none, going);
    assert.equal(resumed, true);
    assert.equal(rows.deliveries, COUNT);
    assert.deepEqual([...told.keys()], ['checking', 'importing', 'comparing']);
    assert.ok(told.get('importing')![0]! > 0.5, 'what is in is not entered again');
    assert.equal(told.get('comparing')!.at(-1), 1);
    assert.deepEqual(readdirSync(folder), before);

    const store = await openStore(join(folder, 'to.db'));
    t.after(() => store.close());
    assert.deepEqual(await store.getStandby(), { reason: 'IMPORTED', since: T0 });
    const [usage] = await store.namespaceUsage(['default']);
    assert.deepEqual([usage?.webhooks, usage?.waiting], [1, COUNT]);
  });

  it('is not done where something else came in than what is in the file', async (t) => {
    const folder = aFolder(t);
    const file = await anExport(folder);
    const db = join(folder, 'to.db');
    const meddling = deps((step) => {
      if (step !== 'comparing') return;
      const other = new DatabaseSync(db);
      other.exec("UPDATE webhooks SET name = 'other'");
      other.close();
    });
    await assert.rejects(importFile(await configOf(db), file, { fromKeyFile: undefined }, meddling), {
      reason: 'IMPORT_UNUSABLE',
      message: /what came in of .* is not what is in it: webhooks has 1 rows of 1, or others/,
    });
    const store = await openStore(db);
    t.after(() => store.close());
    assert.equal((await store.getStandby())?.reason, 'IMPORTING');
  });

  it('says what no key opens, and moves it as it is', async (t) => {
    const folder = aFolder(t);
    const file = await anExport(folder, [aSecret()]);
    const fromKeyFile = join(folder, 'from.key');
    writeFileSync(fromKeyFile, `${'a'.repeat(64)}\n`, { mode: 0o600 });
    const config = await configOf(join(folder, 'to.db'), 'b');
    const { unreadable, olderKeyIds } = await importFile(config, file, { fromKeyFile }, deps());
    assert.equal(unreadable, 1);
    assert.equal(olderKeyIds.length, 1);
  });

  it('is not begun in a database that has a part of another export', async (t) => {
    const folder = aFolder(t);
    const file = await anExport(folder);
    const db = join(folder, 'to.db');
    const store = await openStore(db);
    await store.beginImport({ file: 'another', since: T0 });
    await store.close();
    await assert.rejects(importFile(await configOf(db), file, { fromKeyFile: undefined }, deps()), {
      reason: 'IMPORT_UNUSABLE',
      message: /to\.db has a part of another export; finish that import, or give an empty database/,
    });
    await assert.rejects(exportDatabase(await configOf(db), join(folder, 'x'), { history: false }, deps()), {
      reason: 'DATABASE_UNUSABLE',
      message: /run carillon import again first/,
    });
  });
});
