import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { temporaryFolder } from '../support/server.ts';

const SUPPORT = join(import.meta.dirname, '../support/postgres.ts');

/** Runs a test that does this beside a PostgreSQL, and returns the exit code and what was printed. */
async function run(body: string): Promise<readonly [status: number | null, stdout: string, stderr: string]> {
  await using folder = await temporaryFolder();
  const file = join(folder.path, 'some.test.ts');
  await writeFile(
    file,
    `import { test } from 'node:test';
     const { postgresUrl } = await import(${JSON.stringify(SUPPORT)});
     test('some', async () => { await postgresUrl(); ${body} });`,
  );
  const { status, stdout, stderr } = spawnSync(process.execPath, ['--test', '--test-isolation=none', file], {
    encoding: 'utf8',
    // It is no part of this run.
    env: { ...process.env, NODE_TEST_CONTEXT: undefined },
  });
  return [status, stdout, stderr];
}

describe('a run of tests that use PostgreSQL', () => {
  it('fails where one of them does, and says so', async () => {
    const [status, stdout, stderr] = await run(`throw new Error('on purpose');`);
    assert.deepEqual([status, stderr], [1, ''], stdout);
    assert.match(stdout, /^ℹ fail 1$/m);
  });

  it('passes where none of them does', async () => {
    const [status, stdout, stderr] = await run('');
    assert.deepEqual([status, stderr], [0, ''], stdout);
    assert.match(stdout, /^ℹ pass 1$/m);
  });
});
