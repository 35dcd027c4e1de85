import assert from 'node:assert/strict';
import { execFile, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { VERSION } from '../../src/server/version.ts';

const ROOT = join(import.meta.dirname, '../..');
const execute = promisify(execFile);
/** Where a machine may have a Node of its own. What an old one is told is tested without one, too. */
const SYSTEM_NODES = ['/usr/bin/node', '/usr/local/bin/node'];
const OLDEST_MAJOR = 24;

/** A program of those who import the package. */
const APP = `
import { ResourceInfoSchema, VerificationError, verify, type Webhook, WebhookService } from 'carillon';

export const nameOf = (webhook: Webhook): string => webhook.name;
// @ts-expect-error: it is a string.
export const wrong = (webhook: Webhook): number => webhook.name;

console.log(WebhookService.typeName, ResourceInfoSchema.typeName);
try {
  verify({ secret: 'whsec_${'A'.repeat(32)}', headers: new Headers(), body: '' });
} catch (error) {
  if (error instanceof VerificationError) console.log(error.message);
}
`;

describe('the package, installed into an empty folder', { timeout: 300_000 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'carillon-package-'));
  const command = join(folder, 'node_modules/.bin/carillon');
  // Its `#!/usr/bin/env node` finds this Node first.
  const env = { ...process.env, PATH: `${dirname(process.execPath)}${delimiter}${process.env.PATH}` };

  before(async () => {
    const { stdout } = await execute('npm', ['pack', '--json', '--pack-destination', folder], {
      cwd: ROOT,
      env,
    });
    // What the build prints comes before it.
    const packed: unknown = JSON.parse(stdout.slice(stdout.search(/^[[{]/m)));
    const tarball = /"filename":"([^"]+)"/.exec(JSON.stringify(packed))?.[1] ?? assert.fail(stdout);
    writeFileSync(join(folder, 'package.json'), '{ "private": true }');
    const install = [
      'install',
      '--prefer-offline',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      `./${tarball}`,
    ];
    await execute('npm', install, { cwd: folder, env });
  });
  after(() => rmSync(folder, { recursive: true }));

  it('prints its version', async () => {
    assert.equal((await execute(command, ['--version'], { env })).stdout, `carillon ${VERSION}\n`);
  });

  it('has all that its README links to', () => {
    const root = join(folder, 'node_modules/carillon');
    const links = readFileSync(join(root, 'README.md'), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g);
    const missing = [...links]
      .map(([, target]) => target!)
      .filter((target) => !existsSync(join(root, target)));
    assert.deepEqual(missing, []);
  });

  it('has what the clients of its API are generated from', async () => {
    const root = join(folder, 'node_modules/carillon');
    await execute(join(ROOT, 'node_modules/.bin/buf'), ['build', root], { env });
  });

  it('runs a server with its inbox page that delivers', async () => {
    const listen = ['--listen', '127.0.0.1:0', '--grpc-listen', '127.0.0.1:0'];
    const child = spawn(command, ['dev', ...listen, '--default-every', '1s'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      const exited = once(child, 'exit');
      const stdout = outputOf(child.stdout);
      const [, url = ''] = await stdout.seen(/API +(http:\S+)/);
      const page = await (await fetch(`${url}/inbox/hello`, { headers: { accept: 'text/html' } })).text();
      assert.match(page, /<html/);
      const response = await fetch(`${url}/webhooks`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ name: 'hello', destination: `${url}/inbox/hello` }),
      });
      assert.ok(response.ok, await response.text());
      await stdout.seen(/\/inbox\/hello' dispatched, response code: 200/);
      child.kill('SIGTERM');
      assert.deepEqual(await exited, [0, null]);
    } finally {
      child.kill('SIGKILL');
    }
  });

  it('exports clients of the API and the verification of signatures, with their types', async () => {
    writeFileSync(join(folder, 'app.mts'), APP);
    const tsc = join(ROOT, 'node_modules/typescript/bin/tsc');
    const options = ['--noEmit', '--strict', '--skipLibCheck', '--module', 'nodenext', '--lib', 'es2024,dom'];
    await execute(process.execPath, [tsc, ...options, 'app.mts'], { cwd: folder, env });
    const { stdout } = await execute(process.execPath, ['app.mts'], { cwd: folder, env });
    assert.equal(
      stdout,
      'carillon.v1.WebhookService google.rpc.ResourceInfo\nthere is no webhook-id header\n',
    );
  });

  for (const { node, version } of oldNodes()) {
    it(`refuses ${node}, which is too old, in one line`, async () => {
      const main = join(folder, 'node_modules/carillon/dist/src/main.js');
      await assert.rejects(execute(node, [main, 'dev']), {
        code: 1,
        stdout: '',
        stderr: `carillon needs Node 24.15 or later; this is Node ${version}, see https://nodejs.org\n`,
      });
    });
  }
});

/** The Nodes of this machine that are too old for the package. */
function oldNodes(): { node: string; version: string }[] {
  return SYSTEM_NODES.filter((node) => existsSync(node))
    .map((node) => ({
      node,
      version: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim().slice(1),
    }))
    .filter(({ version }) => Number(version.split('.')[0]) < OLDEST_MAJOR);
}

/** What a stream said so far, and a way to wait for it to say something. */
function outputOf(stream: NodeJS.ReadableStream) {
  let text = '';
  stream.on('data', (chunk) => {
    text += String(chunk);
  });
  return {
    async seen(pattern: RegExp): Promise<RegExpExecArray> {
      for (;;) {
        const match = pattern.exec(text);
        if (match) return match;
        await once(stream, 'data');
      }
    },
  };
}
