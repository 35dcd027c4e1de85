import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { Code } from '@connectrpc/connect';
import { connectCall, type Json, type Refusal } from '../support/call.ts';
import { watchHealth } from '../support/health.ts';
import { lossyProxy } from '../support/lossy-proxy.ts';
import { aSchemaUrl } from '../support/postgres.ts';
import { openReceiver, type Receiver } from '../support/receiver.ts';
import { type CarillonProcess, runCarillon, startCarillon, temporaryFolder } from '../support/server.ts';

const MAIN = join(import.meta.dirname, '../../src/main.ts');
const PASSWORD = 'carillon';
const LISTEN = ['--listen', '127.0.0.1:0', '--grpc-listen', '127.0.0.1:0'];

/** A server on PostgreSQL, whose database and key are told by the environment. */
function environment(url: string): Record<string, string> {
  return { CARILLON_STORE: url, CARILLON_SECRETS_KEY: KEY };
}

const KEY = randomBytes(32).toString('base64');

function start(url: string): Promise<CarillonProcess> {
  return startCarillon({
    command: 'serve',
    args: ['--allow-destinations', '127.0.0.0/8'],
    env: environment(url),
  });
}

async function register({ url }: CarillonProcess, { port }: Receiver): Promise<void> {
  const webhook = { name: 'joe', destination: `http://127.0.0.1:${port}/joe`, eventTypes: ['order.paid'] };
  await connectCall(url)('WebhookService/Register', { webhook });
}

function publish({ url }: CarillonProcess, id: string): Promise<Json> {
  return connectCall(url)('EventService/Publish', { event: { id, type: 'order.paid', json: { id } } });
}

/** What a start that is refused says, which is one line. */
async function refusal(env: Record<string, string>, code = 1): Promise<string> {
  await using folder = await temporaryFolder();
  await using program = runCarillon(['serve', ...LISTEN], { cwd: folder.path, env });
  assert.deepEqual(await program.exited, { code, signal: null }, program.output.stdout);
  assert.match(program.output.stderr, /^carillon: .*\n$/);
  return program.output.stderr;
}

describe('a server on PostgreSQL', () => {
  it('delivers, and has everything after it was killed', async () => {
    const url = await aSchemaUrl();
    await using receiver = await openReceiver();
    await using first = await start(url);
    await register(first, receiver);
    await publish(first, 'one');
    await receiver.received(1);
    assert.match(await refusal(environment(url)), /is in use by another Carillon/);
    await first.stop('SIGKILL');

    await using second = await start(url);
    await publish(second, 'two');
    await publish(second, 'one');
    await receiver.received(2);
    const { deliveries } = await connectCall(second.url)('DeliveryService/ListDeliveries', {});
    assert.equal((deliveries as unknown[]).length, 2, 'an event that was published before is known');
    assert.equal((await second.stop('SIGTERM')).code, 0);
    assert.equal(receiver.requests.length, 2);

    for (const { output } of [first, second]) {
      assert.ok(!`${output.stdout}${output.stderr}`.includes(`:${PASSWORD}@`), 'no password in the log');
      const [listening] = output.log.filter(({ msg }) => msg === 'listening');
      assert.match(String(listening?.db), /^postgres:\/\/carillon@127\.0\.0\.1:\d+\/postgres$/);
    }
  });

  it('says NOT_SERVING while the database is away, refuses what it cannot keep, and goes on by itself', async () => {
    const url = new URL(await aSchemaUrl());
    await using proxy = await lossyProxy(url.hostname, Number(url.port));
    url.port = String(proxy.port);
    await using receiver = await openReceiver();
    await using server = await start(url.href);
    await register(server, receiver);
    await using health = await watchHealth(server.url);
    assert.equal(await health.next(), 'SERVING');

    proxy.cut();
    const error: unknown = await publish(server, 'one').then(
      () => assert.fail('it was taken'),
      (reason: unknown) => reason,
    );
    assert.equal((error as Refusal).code, Code.Unavailable);
    assert.equal(await health.next(), 'NOT_SERVING');

    proxy.mend();
    assert.equal(await health.next(), 'SERVING');
    await publish(server, 'two');
    await receiver.received(1);
    assert.equal(receiver.requests.length, 1, 'what was refused was not kept');
  });

  it('is refused without a key that it can keep, and with two databases', async () => {
    const url = await aSchemaUrl();
    assert.match(await refusal({ CARILLON_STORE: url }), /give one that stays with it/);
    assert.match(await refusal({ ...environment(url), CARILLON_DB: 'x.db' }, 2), /db and store are both set/);
    const nowhere = new URL(url);
    nowhere.port = '1';
    const message = await refusal(environment(nowhere.href));
    assert.match(
      message,
      /^carillon: postgres:\/\/carillon@127\.0\.0\.1:1\/postgres cannot be opened: .*ECONNREFUSED/,
    );
  });

  it('takes its password from a file or from PGPASSWORD, and prints it nowhere', async () => {
    const url = new URL(await aSchemaUrl());
    url.password = '';
    await using folder = await temporaryFolder();
    const file = join(folder.path, 'password');
    await writeFile(file, `${PASSWORD}\n`, { mode: 0o600 });
    for (const more of [{ CARILLON_STORE_PASSWORD_FILE: file }, { PGPASSWORD: PASSWORD }]) {
      await using server = await startCarillon({
        command: 'dev',
        env: { ...environment(url.href), ...more },
      });
      assert.equal((await server.stop('SIGTERM')).code, 0);
      const { stdout, stderr } = server.output;
      const shown = `postgres://carillon@127.0.0.1:${url.port}/postgres`;
      assert.ok(stdout.includes(shown), stdout);
      assert.equal(`${stdout}${stderr}`.replaceAll(shown, '').includes(`:${PASSWORD}`), false);
    }
    await writeFile(file, 'geheim');
    const refused = await refusal({ ...environment(url.href), CARILLON_STORE_PASSWORD_FILE: file });
    assert.match(refused, /lets nobody in with this user and password/);
    assert.doesNotMatch(refused, /geheim/);
    assert.match(
      await refusal(environment(url.href)),
      /asks for a password, and there is none; give it in the URL/,
    );
  });

  it('may have other settings when it is started again, and says which', async () => {
    const url = await aSchemaUrl();
    const change = (...args: string[]) => startCarillon({ command: 'serve', args, env: environment(url) });
    await using first = await change('--retention', '2d');
    await first.stop('SIGKILL');
    await using second = await change('--retention', '3d');
    const [line] = await second.logged(({ msg }) => msg.startsWith('settings of the store have changed'));
    assert.equal(line?.msg, 'settings of the store have changed: retention is 2d there and 3d here');
  });

  it('has keys that were made while no server was using it', async () => {
    const url = await aSchemaUrl();
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [MAIN, 'keys', 'create', '--role', 'admin', '--db', url, '--json'],
      { env: { ...process.env, CARILLON_SECRETS_KEY: KEY } },
    );
    const { key } = JSON.parse(stdout) as { key: string };
    await using server = await start(url);
    const refused = await fetch(`${server.url}/webhooks`);
    const taken = await fetch(`${server.url}/webhooks`, { headers: { authorization: `Bearer ${key}` } });
    assert.deepEqual([refused.status, taken.status], [401, 200]);
  });
});
