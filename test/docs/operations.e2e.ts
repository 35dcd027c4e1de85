import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { blockOf } from '../support/docs.ts';
import { type CarillonProcess, runCarillon, startCarillon, temporaryFolder } from '../support/server.ts';

const PAGE = 'docs/operations.md';

/** What of the `sqlite3` shell the page uses, since not every machine has one. */
const SHELL = `#!${process.execPath}
const { DatabaseSync, backup } = require('node:sqlite');
const [, , file, command] = process.argv;
const db = new DatabaseSync(file);
const [, target] = /^\\.backup (.*)$/.exec(command) ?? [];
if (target === undefined) db.exec(command);
else backup(db, target);
`;

function runBlock(name: string, cwd: string): void {
  const shell = join(cwd, 'sqlite3');
  writeFileSync(shell, SHELL, { mode: 0o755 });
  const env = { ...process.env, PATH: `${cwd}${delimiter}${process.env.PATH ?? ''}` };
  const { status, stderr } = spawnSync('sh', ['-ec', blockOf(PAGE, 'run', name)], { cwd, env });
  assert.equal(status, 0, String(stderr));
  rmSync(shell);
}

async function register({ url }: CarillonProcess, name: string): Promise<void> {
  const body = JSON.stringify({ name, destination: 'https://example.com/', eventTypes: ['x.y'] });
  const headers = { 'content-type': 'application/json' };
  const { ok } = await fetch(`${url}/webhooks`, { method: 'POST', headers, body });
  assert.ok(ok);
}

async function names({ url }: CarillonProcess): Promise<string[]> {
  const { webhooks = [] } = (await (await fetch(`${url}/webhooks`)).json()) as {
    webhooks?: { name: string }[];
  };
  return webhooks.map(({ name }) => name).sort();
}

describe('the page about operations', () => {
  it('has commands that back up what was acknowledged, and restore it', async () => {
    await using folder = await temporaryFolder();
    const start = (...args: string[]) => startCarillon({ command: 'serve', cwd: folder.path, args });
    await using first = await start();
    await register(first, 'early');
    runBlock('backup', folder.path);
    runBlock('key', folder.path);
    await register(first, 'late');
    await first.stop('SIGTERM');
    runBlock('stopped', folder.path);
    assert.throws(() => statSync(join(folder.path, 'carillon.db-wal')), { code: 'ENOENT' });

    runBlock('restore', folder.path);
    await using refused = runCarillon(['serve', '--listen', '127.0.0.1:0'], { cwd: folder.path });
    assert.equal((await refused.exited).code, 1);
    assert.match(refused.output.stderr, /is older than the database that was here last/);
    await using restored = await start('--restored');
    assert.deepEqual(await names(restored), ['early']);
    await restored.stop('SIGTERM');

    const key = ['--secrets-key-file', 'backup.key'];
    for (const [db, expected] of [
      ['compact.db', ['early']],
      ['stopped.db', ['early', 'late']],
    ] as const) {
      await using copy = await start('--db', db, ...key);
      assert.deepEqual(await names(copy), expected);
      await copy.stop('SIGTERM');
    }
  });

  it('has commands that give free space back, after which a server starts as always', async () => {
    await using folder = await temporaryFolder();
    const start = () => startCarillon({ command: 'serve', cwd: folder.path });
    await using first = await start();
    await register(first, 'kept');
    await first.stop('SIGTERM');
    const path = join(folder.path, 'carillon.db');
    const db = new DatabaseSync(path);
    db.exec('CREATE TABLE great AS SELECT zeroblob(5000000) AS day; DROP TABLE great;');
    db.close();
    const before = statSync(path).size;
    runBlock('free', folder.path);
    runBlock('compact', folder.path);
    assert.ok(statSync(path).size < before - 4_000_000);
    await using again = await start();
    assert.deepEqual(await names(again), ['kept']);
    await register(again, 'new');
    await again.stop('SIGTERM');
    await using third = await start();
    assert.deepEqual(await names(third), ['kept', 'new']);
    await third.stop('SIGTERM');
  });
});
