import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { loadConfig } from '../../src/server/config/load.ts';
import { startServer } from '../../src/server/start.ts';
import { openStore } from '../../src/store/open.ts';
import { runCli } from '../support/cli.ts';
import { watchedLog } from '../support/log.ts';
import { until } from '../support/pipeline.ts';
import { openReceiver, type Receiver, status } from '../support/receiver.ts';
import { aDatabasePath, T0 } from '../support/store.ts';

const ORIGIN = 'hooks.example.com';

async function aServer(db: string, ...more: readonly string[]) {
  const listen = ['--listen', '127.0.0.1:0', '--grpc-listen', 'off'];
  const config = await loadConfig('serve', {
    argv: [
      '--db',
      db,
      ...listen,
      '--secrets-key',
      'a'.repeat(64),
      '--allow-destinations',
      '127.0.0.0/8',
      ...more,
    ],
    env: {},
    cwd: '/',
    terminal: false,
    readFile: async () => undefined,
  });
  const { log, lines } = watchedLog();
  const server = await startServer(config, { log });
  const url = `http://127.0.0.1:${server.address.port}`;
  async function call(path: string, body?: object): Promise<Record<string, unknown>> {
    const response = await fetch(`${url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: { 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    assert.equal(response.status, 200, await response.clone().text());
    return (await response.json()) as Record<string, unknown>;
  }
  return { url, call, lines, [Symbol.asyncDispose]: server.stop };
}

/** Something that is due, for each way in which a server sends. */
async function fill(db: string, { url: destination }: Receiver): Promise<void> {
  await using server = await aServer(db);
  for (const webhook of [
    { id: 'runs', name: 'runs', destination: `${destination}/runs`, schedule: { every: '1s' } },
    { id: 'asked', name: 'asked', destination: `${destination}/asked`, consent: { origin: ORIGIN } },
    { id: 'orders', name: 'orders', destination: `${destination}/orders`, eventTypes: ['order.paid'] },
  ]) {
    await server.call('/v1/webhooks', webhook);
  }
}

async function onStandby(db: string): Promise<void> {
  const store = await openStore(db);
  await store.standBy({ reason: 'RESTORED', since: T0 });
  await store.close();
}

const paths = ({ requests }: Receiver) => new Set(requests.map(({ path }) => path));

describe('a server whose database is a copy of another', () => {
  it('takes events and sends nothing, and says so, until it is told to resume', async (t) => {
    const db = aDatabasePath(t);
    await using before = await openReceiver();
    await fill(db, before);
    await onStandby(db);
    await using receiver = await openReceiver();
    receiver.answer((exchange) =>
      status(200, { headers: { 'webhook-allowed-origin': ORIGIN, 'webhook-allowed-rate': '*' } })(exchange),
    );
    await using server = await aServer(db);
    for (const id of ['runs', 'asked', 'orders']) {
      const destination = `${receiver.url}/${id}`;
      const response = await fetch(`${server.url}/v1/webhooks/${id}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ destination }),
      });
      assert.equal(response.status, 200, await response.text());
    }
    await server.call('/v1/events', { id: 'e1', type: 'order.paid', json: {} });
    await server.call('/v1/webhooks/runs:trigger', {});
    const warned = server.lines.find(({ message }) => message.startsWith('nothing is sent'));
    assert.match(warned?.message ?? '', /was restored from a backup of 2026-01-01T00:00:00.000Z/);
    assert.deepEqual(await server.call('/v1/health'), { status: 'SERVING' });
    const sending = await fetch(`${server.url}/v1/health?service=carillon.sending`);
    assert.deepEqual([sending.status, await sending.json()], [503, { status: 'NOT_SERVING' }]);
    const told = await runCli(server.url, ['status']);
    assert.equal(told.code, 0);
    assert.match(told.out, /^standby +nothing is sent: restored from a backup of 2026-01-01T00:00:00.000Z/m);
    assert.match(told.out, /^waiting +2 deliveries$/m);
    // What is due goes out sooner than a run does, and a question is asked within a second.
    const { webhook } = await server.call('/v1/webhooks/runs');
    const { nextRunTime } = webhook as { readonly nextRunTime: string };
    await until(() => (Date.now() > Date.parse(nextRunTime) + 1_000 ? true : undefined));
    assert.deepEqual(receiver.requests, []);

    const resumed = await runCli(server.url, ['resume', '--all']);
    assert.deepEqual([resumed.code, resumed.err], [0, '']);
    assert.match(resumed.out, /^the server sends from now on; it was restored from a backup of 2026-01-01/);
    await until(() => (paths(receiver).size === 3 ? true : undefined));
    assert.deepEqual(await server.call('/v1/health?service=carillon.sending'), { status: 'SERVING' });
    assert.doesNotMatch((await runCli(server.url, ['status'])).out, /standby/);
    const again = await runCli(server.url, ['resume', '--all']);
    assert.equal(again.out, 'the server was not on standby; nothing was changed\n');
  });

  it('cancels and gives up meanwhile what is not to be sent', async (t) => {
    const db = aDatabasePath(t);
    await using receiver = await openReceiver();
    await fill(db, receiver);
    await onStandby(db);
    await using server = await aServer(db, '--namespace-waiting-max', '3');
    for (let n = 0; n < 5; n++) await server.call('/v1/events', { type: 'order.paid', json: { n } });
    const failed = async () =>
      (await server.call('/v1/deliveries?filter=state:FAILED')).deliveries as { id: string }[] | undefined;
    await until(async () => ((await failed())?.length === 2 ? true : undefined));
    await server.call('/v1/deliveries:cancel', { filter: 'state = PENDING' });
    await until(async () =>
      ((await server.call('/v1/deliveries?filter=state:PENDING')).deliveries as object[] | undefined) ===
      undefined
        ? true
        : undefined,
    );
  });

  it('sends from its start on with --take-over, and from then on always', async (t) => {
    const db = aDatabasePath(t);
    await using receiver = await openReceiver();
    await fill(db, receiver);
    await onStandby(db);
    {
      await using server = await aServer(db, '--take-over');
      await server.call('/v1/events', { type: 'order.paid', json: {} });
      await until(() => (paths(receiver).has('/orders') ? true : undefined));
    }
    await using server = await aServer(db);
    assert.deepEqual(await server.call('/v1/standby'), {});
  });

  it('does not start on a part of an import', async (t) => {
    const db = aDatabasePath(t);
    const store = await openStore(db);
    await store.standBy({ reason: 'IMPORTING', since: T0 });
    await store.close();
    await assert.rejects(aServer(db, '--take-over'), {
      reason: 'DATABASE_UNUSABLE',
      message:
        /carillon\.db has a part of an export of .* only, since its import was broken off; run carillon import once more/,
    });
  });
});
