import assert from 'node:assert/strict';
import { type ExecFileSyncOptions, execFileSync } from 'node:child_process';
import { chownSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { output, ROOT } from './tool.ts';

/** The oldest PostgreSQL that docs/postgresql.md says will do, as Debian has it. */
const VERSION = 15;
const BIN = `/usr/lib/postgresql/${VERSION}/bin`;
const PASSWORD = 'carillon';
/** More than all of it takes on a busy machine. */
const TIMEOUT_MS = 900_000;

/** PostgreSQL does not run as root: for root it runs as the user that its package made. */
function asWhom(): Pick<ExecFileSyncOptions, 'uid' | 'gid'> {
  if (userInfo().uid !== 0) return {};
  const [uid, gid] = ['-u', '-g'].map((flag) => Number(execFileSync('id', [flag, 'postgres'])));
  return { uid: uid!, gid: gid! };
}

describe(`PostgreSQL ${VERSION}`, () => {
  it('keeps what the port of the store promises', async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'carillon-oldest-'));
    const user = asWhom();
    const options: ExecFileSyncOptions = { ...user, cwd: folder, stdio: 'ignore' };
    const data = join(folder, 'data');
    let runs = false;
    t.after(() => {
      if (runs) execFileSync(join(BIN, 'pg_ctl'), ['-D', data, '-m', 'immediate', 'stop'], options);
      rmSync(folder, { recursive: true, force: true });
    });
    const passwordFile = join(folder, 'password');
    writeFileSync(passwordFile, PASSWORD, { mode: 0o600 });
    if (user.uid !== undefined && user.gid !== undefined) {
      for (const path of [folder, passwordFile]) chownSync(path, user.uid, user.gid);
    }
    const made = ['-U', 'carillon', '-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '--no-sync'];
    execFileSync(join(BIN, 'initdb'), ['-D', data, '-E', 'UTF8', '--locale=C', ...made], options);
    const port = await freePort();
    const flags = `-c port=${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=`;
    const log = join(folder, 'log');
    execFileSync(join(BIN, 'pg_ctl'), ['-D', data, '-l', log, '-o', flags, '-w', 'start'], options);
    runs = true;

    const room = 'test/store/postgres';
    const files = readdirSync(join(ROOT, room), { recursive: true, encoding: 'utf8' }).filter((name) =>
      name.endsWith('.test.ts'),
    );
    const suites = [`${room}.test.ts`, ...files.map((name) => `${room}/${name}`)];
    const said = await output(
      process.execPath,
      ['--test', '--test-isolation=none', '--test-reporter=tap', ...suites],
      {
        cwd: ROOT,
        timeout: TIMEOUT_MS,
        env: {
          ...process.env,
          CARILLON_TEST_POSTGRES_URL: `postgres://carillon:${PASSWORD}@127.0.0.1:${port}/postgres`,
          // It is no part of this run.
          NODE_TEST_CONTEXT: undefined,
        },
      },
    );
    assert.match(said, /^# pass [1-9]\d{2,}$/m);
    assert.match(said, /^# fail 0$/m);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
