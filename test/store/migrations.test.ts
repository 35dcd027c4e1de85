import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import { newerFault, readMigrations } from '../../src/store/migrations.ts';

const FOLDER = join(import.meta.dirname, '../../src/store/postgres/migrations');

describe('a step of a schema', () => {
  test('on PostgreSQL says in its first line which program can work with it, at least', () => {
    for (const name of readdirSync(FOLDER)) {
      assert.match(readFileSync(join(FOLDER, name), 'utf8'), /^-- oldest: \d+\n/, name);
    }
    for (const [i, { name, version, oldest }] of readMigrations(pathToFileURL(`${FOLDER}/`)).entries()) {
      assert.equal(version, i + 1);
      assert.equal(
        name.slice(0, 4),
        String(version).padStart(4, '0'),
        'versions have no gap, and none twice',
      );
      assert.ok(oldest >= 1 && oldest <= version, name);
    }
  });

  test('that a program does not know stops it only where it says so', () => {
    assert.equal(newerFault(3, 3, 3), undefined);
    assert.equal(newerFault(2, 2, 3), undefined);
    assert.equal(newerFault(5, 3, 3), undefined);
    assert.match(newerFault(5, 4, 3) ?? '', /written by a newer Carillon \(schema 5; this version knows 3\)/);
  });
});
