import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectHttp2 } from 'node:http2';
import { describe, it, type TestContext } from 'node:test';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { ErrorInfoSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { createAuthority } from '../support/authority.ts';
import { certificateFiles } from '../support/certificates.ts';
import { ask, startWhole, type WholeServer } from '../support/whole-server.ts';

/** Who a server thinks has called, through proxies and over TLS, on both ports. */

const HOST = '127.0.0.1';
const KEY = `ck_${'0123456789abcdef'.repeat(4)}`;
const KEYED = ['--bootstrap-key', KEY];
const OPEN = ['--no-keys'];
/** The test is the proxy. */
const PROXIES = ['--trusted-proxies', '127.0.0.0/8,::1'];
const bearing = { authorization: `Bearer ${KEY}` };

function transports({ port, grpcPort }: WholeServer): Transport[] {
  return [
    createConnectTransport({ baseUrl: `http://${HOST}:${port}`, httpVersion: '1.1' }),
    createGrpcTransport({ baseUrl: `http://${HOST}:${port}` }),
    createGrpcTransport({ baseUrl: `http://${HOST}:${grpcPort}` }),
  ];
}

/** Why a call is refused; undefined when it is answered. */
async function reasonFor(transport: Transport, headers: Record<string, string>): Promise<string | undefined> {
  try {
    await createClient(WebhookService, transport).list({}, { headers });
    return undefined;
  } catch (reason) {
    return ConnectError.from(reason).findDetails(ErrorInfoSchema)[0]?.reason;
  }
}

async function addressesIn(server: WholeServer): Promise<unknown[]> {
  await server.server.stop();
  return server.lines.flatMap(({ fields: { rpc, address } }) => (rpc === undefined ? [] : [address]));
}

describe('The address of a caller', () => {
  it('is in the line of the log for each call: of the connection, where no proxy is trusted', async (t) => {
    const server = await startWhole(t);
    const headers = { 'x-forwarded-for': '203.0.113.7', forwarded: 'for=203.0.113.7' };
    for (const transport of transports(server))
      await createClient(WebhookService, transport).list({}, { headers });
    assert.deepEqual(await addressesIn(server), [HOST, HOST, HOST]);
  });

  it('is the one that a trusted proxy has added, and not what its caller has written', async (t) => {
    const server = await startWhole(t, ...PROXIES, ...OPEN);
    const headers = {
      'x-forwarded-for': '198.51.100.1, 203.0.113.7, 127.0.0.9',
      forwarded: 'for=198.51.100.1',
    };
    for (const transport of transports(server))
      await createClient(WebhookService, transport).list({}, { headers });
    assert.deepEqual(await addressesIn(server), ['203.0.113.7', '203.0.113.7', '203.0.113.7']);
  });

  it('comes from Forwarded, where that is what the proxies write', async (t) => {
    const server = await startWhole(t, ...PROXIES, ...OPEN, '--forwarded-header', 'forwarded');
    const headers = {
      'x-forwarded-for': '198.51.100.1',
      forwarded: 'for=198.51.100.1, for="203.0.113.7:80"',
    };
    for (const transport of transports(server))
      await createClient(WebhookService, transport).list({}, { headers });
    assert.deepEqual(await addressesIn(server), ['203.0.113.7', '203.0.113.7', '203.0.113.7']);
  });

  it('is held up for wrong keys alone, and not the proxy with all who call through it', async (t) => {
    for (const i of [0, 1, 2]) {
      const server = await startWhole(t, ...PROXIES, ...KEYED);
      const transport = transports(server)[i]!;
      // Who lies about itself is still the one that the proxy saw.
      const bad = (n: number) => reasonFor(transport, { 'x-forwarded-for': `198.51.100.${n}, 203.0.113.7` });
      const told = await Promise.all(Array.from({ length: 30 }, (_, n) => bad(n)));
      assert.ok(told.includes('TOO_MANY_WRONG_KEYS'));
      assert.equal(await reasonFor(transport, { 'x-forwarded-for': '203.0.113.8' }), 'API_KEY_MISSING');
      assert.equal(await reasonFor(transport, { 'x-forwarded-for': '203.0.113.7', ...bearing }), undefined);
    }
  });

  it('cannot be changed by whoever is no trusted proxy, to get around being held up', async (t) => {
    const server = await startWhole(t, '--trusted-proxies', '192.0.2.1', ...KEYED);
    for (const transport of transports(server)) {
      const told = await Promise.all(
        Array.from({ length: 30 }, (_, n) => reasonFor(transport, { 'x-forwarded-for': `198.51.100.${n}` })),
      );
      assert.ok(told.includes('TOO_MANY_WRONG_KEYS'));
    }
  });

  it('is held up at the pages of the inbox too', async (t) => {
    const server = await startWhole(t, ...PROXIES, ...KEYED, '--inbox');
    const look = (address: string) =>
      fetch(`http://${HOST}:${server.port}/inbox`, { headers: { 'x-forwarded-for': address } }).then(
        ({ status }) => status,
      );
    const told = await Promise.all(Array.from({ length: 30 }, () => look('203.0.113.7')));
    assert.ok(told.includes(429));
    assert.equal(await look('203.0.113.8'), 401);
  });

  it('of a proxy is not taken for anything that is no address or range', async (t) => {
    for (const wrong of ['proxy.example.com', '10.0.0.1/8', '10.0.0.0/33', '*']) {
      await assert.rejects(startWhole(t, '--trusted-proxies', wrong), {
        message: `--trusted-proxies: "${wrong}" is not allowed; give an address or a range of them, such as 192.0.2.7, 10.0.0.0/8 or fd00::/8; several with commas between them, at most 256`,
      });
    }
  });
});

describe('A page', () => {
  /** The status of a call that a page makes. */
  const calls = [
    ['in HTTP/1.1', inHttp1],
    ['in HTTP/2', inHttp2],
  ] as const;

  async function secure(t: TestContext, ...argv: readonly string[]) {
    const authority = createAuthority();
    const { cert, key } = certificateFiles(t).pair(authority.server());
    return { ca: authority.pem, ...(await startWhole(t, '--tls-cert', cert, '--tls-key', key, ...argv)) };
  }

  for (const [how, call] of calls) {
    it(`of the server itself may call over TLS ${how}, and that of its name without TLS may not`, async (t) => {
      const { ca, port } = await secure(t);
      assert.equal(await call({ ca, port }, { origin: `https://${HOST}:${port}` }), 200);
      assert.equal(await call({ ca, port }, { origin: `http://${HOST}:${port}` }), 403);
      assert.equal(await call({ ca, port }, { origin: 'https://evil.example' }), 403);
      assert.equal(await call({ ca, port }, {}), 200);
    });

    it(`of a name that nobody gave to the server may not call over TLS ${how} either`, async (t) => {
      const { ca, port } = await secure(t, '--allowed-hosts', 'api.example');
      const ofName = (host: string) => ({ host, origin: `https://${host}` });
      assert.equal(await call({ ca, port }, ofName('api.example')), 200);
      assert.equal(await call({ ca, port }, ofName('evil.example')), 403);
    });

    it(`of the name that a proxy has called by may call through it ${how}, and only by its scheme`, async (t) => {
      const { port } = await startWhole(t, ...PROXIES, ...OPEN, '--allowed-hosts', 'api.example');
      const through = (proto: string, origin: string) =>
        call(
          { port },
          { host: 'api.example', origin, 'x-forwarded-for': '203.0.113.7', 'x-forwarded-proto': proto },
        );
      assert.equal(await through('https', 'https://api.example'), 200);
      assert.equal(await through('https', 'http://api.example'), 403);
      assert.equal(await through('http', 'http://api.example'), 200);
      assert.equal(await through('https', 'https://evil.example'), 403);
      // The name counts that the proxy calls by, and not the one that it says it was called by.
      const named = {
        host: 'evil.example',
        'x-forwarded-host': 'api.example',
        'x-forwarded-for': '203.0.113.7',
      };
      assert.equal(await call({ port }, named), 403);
    });
  }

  it('may not call the port of gRPC over TLS either, unless it is of the server', async (t) => {
    const { ca, grpcPort } = await secure(t);
    const baseUrl = `https://${HOST}:${grpcPort}`;
    const webhooks = createClient(WebhookService, createGrpcTransport({ baseUrl, nodeOptions: { ca } }));
    await webhooks.list({}, { headers: { origin: baseUrl } });
    for (const origin of [`http://${HOST}:${grpcPort}`, 'https://evil.example']) {
      await assert.rejects(webhooks.list({}, { headers: { origin } }), { code: Code.PermissionDenied });
    }
  });

  it('of another scheme may not change an inbox over TLS', async (t) => {
    const { ca, port } = await secure(t, '--inbox');
    const clear = (origin: string) =>
      ask({ port }, '/inbox/hello/requests', { ca, method: 'DELETE', headers: { origin } });
    assert.equal((await clear(`https://${HOST}:${port}`)).status, 204);
    assert.equal((await clear(`http://${HOST}:${port}`)).status, 403);
  });
});

interface At {
  readonly port: number;
  /** Over TLS, if given. */
  readonly ca?: string;
}

async function inHttp1({ port, ca }: At, headers: Record<string, string>): Promise<number> {
  if (ca !== undefined)
    return (await ask({ port }, '/v1/webhooks', { ca, headers, servername: 'localhost' })).status;
  const { request } = await import('node:http');
  const sent = request({ host: HOST, port, path: '/v1/webhooks', headers, agent: false }).end();
  const [response] = await once(sent, 'response');
  response.resume();
  return response.statusCode;
}

async function inHttp2({ port, ca }: At, { host, ...headers }: Record<string, string>): Promise<number> {
  const session =
    ca === undefined
      ? connectHttp2(`http://${HOST}:${port}`)
      : connectHttp2(`https://${HOST}:${port}`, { ca });
  const named = host === undefined ? {} : { ':authority': host };
  const stream = session.request({ ':path': '/v1/webhooks', ...named, ...headers });
  const [answer] = await once(stream, 'response');
  session.destroy();
  return answer[':status'];
}
