import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { TLSSocket } from 'node:tls';
import { loadConfig } from '../../src/server/config/load.ts';
import { startServer } from '../../src/server/start.ts';
import { createAuthority } from '../support/authority.ts';
import { watchedLog } from '../support/log.ts';
import { type Exchange, openReceiver, receiverCertificate, status } from '../support/receiver.ts';
import { aDatabasePath } from '../support/store.ts';

const servers = createAuthority('of servers');
const clients = createAuthority('of clients');

async function aServer(db: string) {
  const argv = [
    '--db',
    db,
    '--listen',
    '127.0.0.1:0',
    '--grpc-listen',
    'off',
    '--secrets-key',
    'a'.repeat(64),
  ];
  const config = await loadConfig('serve', {
    argv: [...argv, '--allow-destinations', '127.0.0.0/8', '--allow-destinations', 'localhost'],
    env: {},
    cwd: '/',
    terminal: false,
    readFile: async () => undefined,
  });
  const { log, lines, line } = watchedLog();
  const server = await startServer(config, { log });
  async function call(method: string, path: string, body: object) {
    const response = await fetch(`http://127.0.0.1:${server.address.port}${path}`, {
      method,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    assert.equal(response.status, 200, await response.clone().text());
    return response.json();
  }
  return { call, lines, line, [Symbol.asyncDispose]: server.stop };
}

const shownTo = ({ socket }: Exchange) => (socket as TLSSocket).getPeerCertificate().subject?.CN;

describe('a webhook with a client certificate', () => {
  it('shows another one from the next attempt on, of what is retried already too', async (t) => {
    await using receiver = await openReceiver({
      tls: { ...servers.server(), ca: clients.pem, requestCert: true, rejectUnauthorized: true },
    });
    const seen: unknown[] = [];
    receiver.answer((exchange) => {
      seen.push(shownTo(exchange));
      status(shownTo(exchange) === 'ben' ? 200 : 403)(exchange);
    });
    await using server = await aServer(aDatabasePath(t));
    const of = ({ cert, key }: { cert: string; key: string }) => ({
      clientCertificate: cert,
      privateKey: { value: key },
      caBundle: servers.pem,
    });
    await server.call('POST', '/v1/webhooks', {
      ...{ id: 'mutual', name: 'mutual', destination: `${receiver.url}/hook`, eventTypes: ['order.*'] },
      retryPolicy: { delays: ['0.2s'], maxAttempts: 100 },
      tls: of(clients.client('ann')),
    });
    await server.call('POST', '/v1/events', { type: 'order.paid', text: 'x' });
    await receiver.received(1);
    const patch = { tls: of(clients.client('ben')) };
    await server.call('PATCH', '/v1/webhooks/mutual?updateMask=tls', patch);
    await server.line(({ fields }) => fields.state === 'SUCCEEDED');
    assert.equal(seen[0], 'ann');
    assert.equal(seen.at(-1), 'ben');
    const ids = new Set(receiver.requests.map(({ headers }) => headers['webhook-id']));
    assert.equal(ids.size, 1, 'it is the same delivery');
  });
});

describe('a webhook whose destination is not verified', () => {
  it('is warned of when it is registered and at each start, and no longer when it is mended', async (t) => {
    await using receiver = await openReceiver({ tls: true });
    const db = aDatabasePath(t);
    const warned = (line: { level: string; message: string }) =>
      line.level === 'warn' && /^webhook dangerous takes any certificate: /.test(line.message);
    {
      await using server = await aServer(db);
      const webhook = {
        ...{ id: 'dangerous', name: 'd', destination: `${receiver.url}/?token=hidden`, eventTypes: ['*'] },
        tls: { insecureSkipVerify: true },
      };
      for (let i = 0; i < 2; i++) await server.call('POST', '/v1/webhooks', webhook);
      await server.call('PATCH', '/v1/webhooks/dangerous?updateMask=labels', { labels: { a: 'b' } });
      assert.equal(server.lines.filter(warned).length, 1, 'once, and not with each change');
      assert.doesNotMatch(JSON.stringify(server.lines), /hidden/);
      await server.call('POST', '/v1/events', { type: 'order.paid', text: 'x' });
      await receiver.received(1);
    }
    {
      await using server = await aServer(db);
      assert.equal(server.lines.filter(warned).length, 1);
      const tls = { caBundle: receiverCertificate() };
      await server.call('PATCH', '/v1/webhooks/dangerous?updateMask=tls', { tls });
      await server.call('POST', '/v1/events', { type: 'order.paid', text: 'x' });
      await receiver.received(2);
    }
    await using server = await aServer(db);
    assert.deepEqual(server.lines.filter(warned), []);
  });
});
