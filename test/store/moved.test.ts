import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { MOVED, MOVED_NAMES } from '../../src/store/moved.ts';
import { openStore } from '../../src/store/open.ts';
import { connect } from '../../src/store/postgres/connection/driver.ts';
import { aSchemaUrl, postgresUrl } from '../support/postgres.ts';

/** What is made anew in the store that is filled, or is about the one that it was in. */
const LEFT_OUT: Readonly<Record<string, readonly string[] | 'ALL'>> = {
  // SQLite.
  buckets: 'ALL',
  event_types: 'ALL',
  delivery_types: 'ALL',
  delivery_webhooks: 'ALL',
  delivery_ends: 'ALL',
  identity: 'ALL',
  sqlite_sequence: 'ALL',
  // PostgreSQL.
  catalog: 'ALL',
  commits: 'ALL',
  migrations: 'ALL',
  days: 'ALL',
  settings: 'ALL',
  // Parts of tables that are moved.
  history_days: 'ALL',
  history_rest: 'ALL',
  journal_days: 'ALL',
  journal_rest: 'ALL',
  // Both. The keys that seal are named in the first line of an export.
  last_attempts_entered: 'ALL',
  seal_keys: 'ALL',
  standby: 'ALL',
  webhooks: ['xid'],
  events: ['first_ord', 'deliveries'],
  deliveries: ['journal', 'lasting'],
  waiting: ['shard', 'xid'],
  history: ['journal', 'apart'],
  renderings: ['ord', 'id'],
  journal: ['ord', 'previous', 'namespace', 'webhook', 'apart'],
  last_attempts: ['seq'],
};
/** What PostgreSQL has in two tables. */
const KINDS: Readonly<Record<string, string>> = { waiting: 'deliveries', history: 'deliveries' };

/** Columns of tables that nobody has thought of. */
function forgotten(columns: readonly (readonly [table: string, column: string])[]): string[] {
  return columns.flatMap(([table, column]) => {
    const leftOut = LEFT_OUT[table] ?? [];
    if (leftOut === 'ALL' || leftOut.includes(column)) return [];
    const kind = MOVED_NAMES.find((name) => name === (KINDS[table] ?? table));
    const isMoved = kind !== undefined && MOVED[kind].columns.some(([name]) => name === column);
    return isMoved ? [] : [`${table}.${column}`];
  });
}

describe('what is moved', () => {
  test('has every column of every table of SQLite that is not made anew', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-moved-'));
    const path = join(folder, 'carillon.db');
    await (await openStore(path)).close();
    const db = new DatabaseSync(path);
    const columns = db
      .prepare(
        `SELECT t.name AS "table", c.name AS "column" FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table'`,
      )
      .all() as { table: string; column: string }[];
    db.close();
    rmSync(folder, { recursive: true });
    assert.ok(columns.length > 100);
    assert.deepEqual(forgotten(columns.map(({ table, column }) => [table, column])), []);
  });

  test('has every column of every table of PostgreSQL that is not made anew', async () => {
    const url = await aSchemaUrl();
    await (await openStore(url)).close();
    const session = await connect({ connectionString: await postgresUrl() });
    const { rows } = await session.query(
      `SELECT c.table_name::text, c.column_name::text FROM information_schema.columns AS c
       JOIN information_schema.tables AS t USING (table_schema, table_name)
       WHERE table_schema = $1 AND t.table_type = 'BASE TABLE'`,
      undefined,
      [new URL(url).searchParams.get('schema')!],
    );
    await session.close();
    const columns = rows as [string, string][];
    assert.ok(columns.length > 100);
    assert.deepEqual(forgotten(columns), []);
  });
});
