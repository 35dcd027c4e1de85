import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { type AddressInfo, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { type Config, loadConfig } from '../../src/server/config/load.ts';
import { startServer } from '../../src/server/start.ts';
import { openStore } from '../../src/store/open.ts';
import { recordingLog } from '../support/log.ts';
import { until } from '../support/pipeline.ts';
import { openProxy } from '../support/proxy.ts';
import { freePort } from '../support/server.ts';
import { aSecret, aTenant, aWebhook } from '../support/store.ts';

const KEY = 'a'.repeat(64);
const OTHER_KEY = 'b'.repeat(64);

async function aDatabase(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'carillon-start-'));
  t.after(() => rm(folder, { recursive: true }));
  return join(folder, 'carillon.db');
}

function configOf(db: string, ...argv: readonly string[]): Promise<Config> {
  const all = ['--db', db, '--listen', '127.0.0.1:0', '--grpc-listen', 'off', '--secrets-key', KEY, ...argv];
  const readFile = async () => undefined;
  return loadConfig('serve', { argv: all, env: {}, cwd: '/', terminal: false, readFile });
}

describe('a server that cannot start', () => {
  const { log } = recordingLog();

  it('says so when its key is not the one that the secrets were sealed with, and lets go of the file', async (t) => {
    for (const namespace of ['default', 'acme']) {
      const db = await aDatabase(t);
      const store = await openStore(db);
      await store.createNamespaces([aTenant('acme'), aTenant('empty')]);
      // Sealed with a key that is not here any more.
      const secrets = [aSecret({ sealed: new Uint8Array(61).fill(1) })];
      await store.createWebhooks([aWebhook({ namespace, secrets })]);
      await store.close();
      await assert.rejects(startServer(await configOf(db, '--secrets-key', OTHER_KEY), { log }), {
        name: 'DomainError',
        code: 'FAILED_PRECONDITION',
        message: /start Carillon with the key that it was sealed with/,
      });
      await (await openStore(db)).close();
    }
  });

  it('leaves nothing behind when its second port is taken: neither the first nor the file', async (t) => {
    const db = await aDatabase(t);
    const other = createServer().listen(0, '127.0.0.1');
    t.after(() => other.close());
    await once(other, 'listening');
    const { port: taken } = other.address() as AddressInfo;
    const port = await freePort();
    const config = await configOf(db, '--listen', `127.0.0.1:${port}`, '--grpc-listen', `127.0.0.1:${taken}`);
    await assert.rejects(startServer(config, { log }), { name: 'DomainError', code: 'FAILED_PRECONDITION' });
    const server = await startServer(await configOf(db, '--listen', `127.0.0.1:${port}`), { log });
    assert.equal(server.address.port, port);
    await server.stop();
    await server.finished;
  });
});

describe('a server that is asked to call itself', () => {
  it('refuses but for its inbox, on both ports and by every name', async (t) => {
    const { log } = recordingLog();
    const argv = ['--inbox', '--allow-destinations', '127.0.0.0/8,::1', '--grpc-listen', '127.0.0.1:0'];
    const server = await startServer(await configOf(await aDatabase(t), ...argv), { log });
    await using _running = { [Symbol.asyncDispose]: server.stop };
    const { port } = server.address;
    const register = async (destination: string) => {
      const body = JSON.stringify({ name: 'self', destination });
      const headers = { 'content-type': 'application/json' };
      const answer = await fetch(`http://127.0.0.1:${port}/v1/webhooks`, { method: 'POST', headers, body });
      return `${answer.status} ${await answer.text()}`;
    };
    for (const url of [
      `http://127.0.0.1:${port}/v1/webhooks`,
      `http://localhost:${port}/`,
      `http://127.0.0.1:${port}/inbox/../v1/webhooks`,
      `http://localhost:${server.grpcAddress?.port}/inbox/joe`,
    ])
      assert.match(await register(url), /^400 .*is this Carillon itself/, url);
    assert.match(await register(`http://localhost:${port}/inbox/joe`), /^200 /);
    assert.match(await register(`http://127.0.0.1:${await freePort()}/`), /^200 /);
  });
});

describe('a server whose egress proxy refuses its password', () => {
  it('says so on the attempt, keeps the delivery, and shows the password nowhere', async (t) => {
    const { log, lines } = recordingLog();
    await using proxy = await openProxy({ misbehave: (socket) => socket.end('HTTP/1.1 407 No\r\n\r\n') });
    const url = `http://carillon:hunter2@127.0.0.1:${proxy.port}`;
    const db = await aDatabase(t);
    const server = await startServer(await configOf(db, '--egress-proxy', url, '--log-level', 'debug'), {
      log,
    });
    await using _running = { [Symbol.asyncDispose]: server.stop };
    const call = async (path: string, body?: object) => {
      const init = {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      };
      const answer = await fetch(`http://127.0.0.1:${server.address.port}/v1/${path}`, body && init);
      return answer.text();
    };
    await call('webhooks', {
      id: 'joe',
      name: 'joe',
      destination: 'https://hooks.example.com/',
      eventTypes: ['a'],
    });
    const published = await call('events', { type: 'a', json: {} });
    const tried = () => lines.find(({ fields }) => fields.errorClass === 'PROXY');
    await until(tried);
    const shown = (await call('deliveries')) + JSON.stringify(lines) + published;
    assert.match(
      JSON.stringify(tried()),
      /wants other credentials: check the user and the password in --egress-proxy/,
    );
    assert.match(shown, /PENDING/);
    assert.deepEqual(proxy.credentials.slice(0, 1), ['carillon:hunter2']);
    assert.doesNotMatch(shown, new RegExp(`hunter2|${btoa('carillon:hunter2')}`));
  });
});

describe('a server that is stopped', () => {
  it('can be stopped twice, and has finished then', async (t) => {
    const { log } = recordingLog();
    const server = await startServer(await configOf(await aDatabase(t)), { log });
    await Promise.all([server.stop(), server.stop()]);
    await server.finished;
    await assert.rejects(fetch(`http://127.0.0.1:${server.address.port}/`));
  });
});
