import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { after, describe, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import { run } from '../../src/cli/run.ts';
import { openStore } from '../../src/store/open.ts';
import { testWorld } from '../support/world.ts';

const folder = mkdtempSync(join(tmpdir(), 'carillon-migrate-'));
after(() => rmSync(folder, { recursive: true }));

const OLD = gunzipSync(readFileSync(join(import.meta.dirname, '../testdata/store-0005.sqlite.gz')));

let files = 0;

/** Where there is no database yet. */
function noFile(): string {
  return join(folder, `store-${++files}.db`);
}

/** A database as an old version left it. */
function anOldFile(): string {
  const path = noFile();
  writeFileSync(path, OLD, { mode: 0o600 });
  return path;
}

/** The names of files that begin as that of a database does. */
function beside(path: string): string[] {
  return readdirSync(folder).filter((name) => name.startsWith(`${basename(path)}-`));
}

async function carillon(argv: readonly string[], env: Readonly<Record<string, string>> = {}) {
  const world = testWorld({ env, cwd: folder });
  const code = await run(argv, world);
  return { code, ...world.printed };
}

function migrate(db: string, ...argv: string[]) {
  const key = { CARILLON_SECRETS_KEY: Buffer.alloc(32, 7).toString('base64') };
  return carillon(['migrate', '--db', db, ...argv], key);
}

describe('carillon migrate', () => {
  test('of a file brings it up to date, and says what it did', async () => {
    const path = anOldFile();
    const check = await migrate(path, '--check');
    assert.equal(check.code, 1);
    assert.match(
      check.out,
      /^\S+ has schema 5, and this version needs \d+; to be done: 0006_cursors\.sql to \d{4}_\w+\.sql\n$/,
    );
    assert.deepEqual(readFileSync(path), OLD, 'a look changes nothing');
    assert.deepEqual(beside(path), [], 'and leaves nothing beside it');

    const done = await migrate(path);
    assert.deepEqual([done.code, done.err], [0, '']);
    assert.match(
      done.out,
      /^\S+ is up to date now \(schema \d+\); done: 0006_cursors\.sql to \d{4}_\w+\.sql\n$/,
    );
    for (const argv of [[], ['--check']]) {
      const again = await migrate(path, ...argv);
      assert.deepEqual([again.code, again.err], [0, '']);
      assert.match(again.out, /^\S+ is up to date \(schema \d+\)\n$/);
    }
    await (await openStore(path, { noMigrate: true })).close();
  });

  test('is what a server that may not do it itself asks for, which changes nothing', async () => {
    const [old, none] = [anOldFile(), noFile()];
    const asks =
      /has schema 5, and this version needs \d+ \(0006_cursors\.sql to \d{4}_\w+\.sql\); run carillon migrate, or start without --no-migrate$/;
    await assert.rejects(openStore(old, { noMigrate: true }), { code: 'FAILED_PRECONDITION', message: asks });
    assert.deepEqual(readFileSync(old), OLD);
    await assert.rejects(openStore(none, { noMigrate: true }), { message: /has nothing of Carillon yet/ });
    assert.equal(existsSync(none), false);
  });

  test('looks at a file that a server has, and changes none', async () => {
    const path = noFile();
    const store = await openStore(path);
    try {
      assert.deepEqual((await migrate(path, '--check')).code, 0);
      const refused = await migrate(path);
      assert.equal(refused.code, 1);
      assert.match(refused.err, /^carillon: .* is in use by another Carillon/);
    } finally {
      await store.close();
    }
  });

  test('of a file that there is not says so, and makes it', async () => {
    const path = noFile();
    const check = await migrate(path, '--check');
    assert.equal(check.code, 1);
    assert.match(
      check.out,
      /has nothing of Carillon yet, and this version needs \d+; to be done: 0001_init\.sql/,
    );
    assert.equal(existsSync(path), false);
    assert.equal((await migrate(path)).code, 0);
    assert.equal((await migrate(path, '--check')).code, 0);
  });

  test('is refused in a line where it is called wrongly', async () => {
    const cases: [argv: string[], says: RegExp][] = [
      [
        ['migrate', '--db', ':memory:'],
        /^carillon: a database in memory is made anew at each start; name another one\n$/,
      ],
      [['migrate', '--chekc'], /^carillon: "--chekc" is not an option/],
      [['migrate', '--store', 'postgres://u:geheim@'], /^carillon: --store: its value is not allowed/],
    ];
    for (const [argv, says] of cases) {
      const { code, out, err } = await carillon(argv);
      assert.deepEqual([code, out], [2, '']);
      assert.match(err, says);
      assert.doesNotMatch(err, /geheim/);
    }
    const nowhere = await carillon(['migrate', '--check'], {
      CARILLON_STORE: 'postgres://u:geheim@127.0.0.1:1/x',
    });
    assert.equal(nowhere.code, 1);
    assert.match(
      nowhere.err,
      /^carillon: postgres:\/\/u@127\.0\.0\.1:1\/x cannot be opened: .*ECONNREFUSED.*\n$/,
    );
  });

  test('says what it does by --help', async () => {
    for (const argv of [
      ['migrate', '--help'],
      ['help', 'migrate'],
    ]) {
      const { code, out } = await carillon(argv);
      assert.equal(code, 0);
      assert.match(out, /^carillon migrate: bring the database of a server up to date/);
      assert.match(out, /^ {2}--check$/m);
    }
  });
});
