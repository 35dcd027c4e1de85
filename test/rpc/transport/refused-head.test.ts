import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { create, type DescMethod, toBinary } from '@bufbuild/protobuf';
import { createClient } from '@connectrpc/connect';
import { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { Health } from '../../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../../gen/grpc/reflection/v1/reflection_pb.ts';
import { framed, pathOf, type RawHttp2, type RunningGrpc, rawHttp2, startGrpc } from '../../support/grpc.ts';
import { type JsonError, type RunningApi, startApi } from '../../support/rpc.ts';

// Calls that are refused by their head, in each protocol, before anything of them is read or done.

const EVIL = 'evil.example:8090';
const WEBHOOK = { name: 'thief', destination: 'http://127.0.0.1:9999/', eventTypes: ['*'] };
const JSON_TYPE = { 'content-type': 'application/json' };
const { register, list, get } = WebhookService.method;
const REFUSAL =
  'this server may not be called as "evil.example:8090": call it by an IP address or as localhost, ' +
  'or start it with --allowed-hosts evil.example';

let api: RunningApi;
let native: RunningGrpc;
let opened: { readonly h2: RawHttp2; readonly h2native: RawHttp2 } | undefined;
const agent = new Agent({ keepAlive: true, maxSockets: 1 });

before(async () => {
  api = await startApi({
    settings: { allowedHosts: ['hooks.example'], corsOrigins: ['https://app.example'] },
  });
  native = await startGrpc(api.api.services);
});
after(async () => {
  agent.destroy();
  await opened?.h2[Symbol.asyncDispose]();
  await opened?.h2native[Symbol.asyncDispose]();
  await native[Symbol.asyncDispose]();
  await api[Symbol.asyncDispose]();
});

/** Connections that are kept. They are opened when the first test wants them: a run can begin long before that. */
function connections() {
  const { hostname, port } = new URL(api.url2);
  opened ??= { h2: rawHttp2({ host: hostname, port: Number(port) }), h2native: rawHttp2(native.address) };
  return opened;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  readonly localPort: number | undefined;
}

/** A request over HTTP/1.1, on a connection that is kept. */
async function send(
  path: string,
  headers: Record<string, string>,
  { method = 'POST', body = '' } = {},
): Promise<Answer> {
  const request = httpRequest(`${api.url}${path}`, { method, headers, agent });
  request.end(method === 'GET' ? undefined : body);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const { localPort } = response.socket;
  const chunks = (await response.toArray()) as Buffer[];
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString(), localPort };
}

async function raw(text: string): Promise<string> {
  const socket = connectTcp(Number(new URL(api.url).port), '127.0.0.1');
  socket.end(text);
  let all = '';
  for await (const chunk of socket) all += String(chunk);
  return all;
}

/** An error of the Connect protocol: its code, its message and the reason in its one detail. */
function told(error: JsonError): unknown[] {
  const { code, message, details = [], ...more } = error;
  assert.deepEqual(more, {});
  return [code, message, ...details.map(({ debug }) => (debug as { reason: string }).reason)];
}

function bytesOf(method: DescMethod): Uint8Array {
  return toBinary(method.input, create(method.input));
}

describe('A call to a host that nobody allowed', () => {
  it('is refused in JSON over Connect, by POST and by GET', async () => {
    const body = JSON.stringify({ webhook: WEBHOOK });
    const posted = await send(pathOf(register), { ...JSON_TYPE, host: EVIL }, { body });
    assert.equal(posted.status, 403);
    assert.deepEqual(told(JSON.parse(posted.body)), ['permission_denied', REFUSAL, 'HOST_NOT_ALLOWED']);
    const query = `${pathOf(list)}?connect=v1&encoding=json&message=%7B%7D`;
    const got = await send(query, { host: EVIL }, { method: 'GET' });
    assert.deepEqual([got.status, JSON.parse(got.body).message], [403, REFUSAL]);
  });

  it('is refused in a stream of Connect, in gRPC-Web and in gRPC', async () => {
    const watch = DeliveryService.method.watchDeliveries;
    const type = { 'content-type': 'application/connect+json', host: EVIL };
    const streamed = await send(pathOf(watch), type, { body: framed(Buffer.from('{}')).toString() });
    assert.equal(streamed.status, 200);
    const { error } = JSON.parse(streamed.body.slice(5));
    assert.deepEqual(told(error), ['permission_denied', REFUSAL, 'HOST_NOT_ALLOWED']);

    const web = { 'content-type': 'application/grpc-web+proto', host: EVIL };
    const { body } = await send(pathOf(get), web, { body: framed(bytesOf(get)).toString('latin1') });
    assert.match(decodeURIComponent(body), /grpc-status: 7\r\n/);
    assert.ok(decodeURIComponent(body).includes(REFUSAL));

    for (const method of [register, watch, EventService.method.publishStream]) {
      const headers = { ':path': pathOf(method), ':authority': EVIL };
      const { grpcStatus, grpcMessage } = await connections().h2.send(headers, framed(bytesOf(method)));
      assert.deepEqual([grpcStatus, grpcMessage], [7, REFUSAL], method.name);
    }
  });

  it('is refused over native gRPC, whatever the kind of its method', async () => {
    const { publishStream } = EventService.method;
    for (const method of [register, DeliveryService.method.watchDeliveries, publishStream]) {
      const headers = { ':path': pathOf(method), ':authority': EVIL };
      const { grpcStatus, grpcMessage } = await connections().h2native.send(headers, framed(bytesOf(method)));
      assert.deepEqual([grpcStatus, grpcMessage], [7, REFUSAL], method.name);
    }
    const line = native.lines.find(({ fields }) => fields.host !== undefined);
    assert.deepEqual([line?.fields.code, line?.fields.host], ['permission_denied', EVIL]);
  });

  it('is refused on plain paths', async () => {
    const made = await send('/webhooks', { ...JSON_TYPE, host: EVIL }, { body: JSON.stringify(WEBHOOK) });
    assert.equal(made.status, 403);
    assert.deepEqual(told(JSON.parse(made.body)), ['permission_denied', REFUSAL, 'HOST_NOT_ALLOWED']);
    for (const method of ['GET', 'DELETE']) {
      const path = method === 'GET' ? '/webhooks' : '/webhooks/x';
      assert.equal((await send(path, { host: EVIL }, { method })).status, 403);
    }
  });

  it('has done nothing', async () => {
    assert.deepEqual((await api.webhooks.list({})).webhooks, []);
  });

  it('leaves the connection to the next one, also with a body that nobody reads', async () => {
    const body = 'x'.repeat(5_000_000);
    const first = await send('/webhooks', { ...JSON_TYPE, host: EVIL }, { body });
    const second = await send('/webhooks', { host: 'localhost' }, { method: 'GET' });
    assert.deepEqual([first.status, second.status], [403, 200]);
    assert.equal(second.localPort, first.localPort);
  });

  it('leaves the connection to the next one over HTTP/2 as well', async () => {
    const body = new Uint8Array(5_000_000);
    for (const path of ['/webhooks', pathOf(register)]) {
      const headers = { ':path': path, ':authority': EVIL, 'content-type': 'application/json' };
      assert.equal((await connections().h2.send(headers, body)).status, 403);
      const next = { ':path': pathOf(list), 'content-type': 'application/json' };
      assert.equal((await connections().h2.send(next, Buffer.from('{}'))).status, 200);
    }
  });

  it('is known by its line in the log', async () => {
    const lines = api.lines.filter(({ fields }) => fields.host === EVIL);
    assert.ok(lines.length >= 8);
    assert.ok(lines.every(({ fields }) => fields.code === 'permission_denied'));
  });

  it('may still ask how the server is', async () => {
    const check = pathOf(Health.method.check);
    assert.equal((await send(check, { ...JSON_TYPE, host: EVIL }, { body: '{}' })).status, 200);
    for (const port of Object.values(connections())) {
      const asked = await port.send({ ':path': check, ':authority': EVIL }, framed(new Uint8Array(0)));
      assert.equal(asked.grpcStatus, 0);
    }
    const reflect = { ':path': pathOf(ServerReflection.method.serverReflectionInfo), ':authority': EVIL };
    assert.equal((await connections().h2.send(reflect, framed(new Uint8Array(0)))).grpcStatus, 7);
  });

  it('is found out by a second host beside an allowed one', async () => {
    const end = 'connection: close\r\n\r\n';
    for (const hosts of [`host: localhost\r\nHost: ${EVIL}`, `Host: ${EVIL}\r\nhost: localhost`]) {
      assert.match(await raw(`GET /webhooks HTTP/1.1\r\n${hosts}\r\n${end}`), /^HTTP\/1\.1 403 /);
    }
    for (const port of Object.values(connections())) {
      const both = { ':path': pathOf(get), ':authority': 'localhost', host: EVIL };
      assert.equal((await port.send(both, framed(bytesOf(get)))).grpcStatus, 7);
    }
  });

  it('is not served under a target in absolute form either, nor without any host', async () => {
    const end = 'connection: close\r\n\r\n';
    const absolute = await raw(`GET http://localhost/webhooks HTTP/1.1\r\nhost: localhost\r\n${end}`);
    assert.match(absolute, /^HTTP\/1\.1 404 /);
    assert.match(await raw(`GET /webhooks HTTP/1.0\r\n${end}`), /^HTTP\/1\.1 400 /);
    assert.match(await raw(`GET /webhooks HTTP/1.1\r\n${end}`), /^HTTP\/1\.1 400 /);
  });
});

describe('A call to a host of the server', () => {
  it('is let in', async () => {
    for (const host of [
      '127.0.0.1',
      'localhost:1',
      'LOCALHOST.',
      '[::1]:2',
      'a.localhost',
      'Hooks.example:3',
    ]) {
      assert.equal((await send('/webhooks', { host }, { method: 'GET' })).status, 200, host);
      const headers = { ':path': pathOf(list), ':authority': host };
      assert.equal((await connections().h2.send(headers, framed(bytesOf(list)))).grpcStatus, 0, host);
      assert.equal((await connections().h2native.send(headers, framed(bytesOf(list)))).grpcStatus, 0, host);
    }
  });
});

describe('A call of a page', () => {
  it('is refused when its origin is not allowed, in every protocol', async () => {
    const origin = 'http://localhost:3000';
    const message =
      'pages of the origin "http://localhost:3000" may not call this server: ' +
      'start it with --cors-origins http://localhost:3000 to let them';
    const plain = await send('/webhooks', { ...JSON_TYPE, origin }, { body: JSON.stringify(WEBHOOK) });
    assert.deepEqual([plain.status, JSON.parse(plain.body).message], [403, message]);
    const json = await send(pathOf(register), { ...JSON_TYPE, origin }, { body: '{}' });
    assert.deepEqual([json.status, JSON.parse(json.body).code], [403, 'permission_denied']);
    for (const port of Object.values(connections())) {
      const headers = { ':path': pathOf(register), origin };
      const { grpcStatus, grpcMessage } = await port.send(headers, framed(bytesOf(register)));
      assert.deepEqual([grpcStatus, grpcMessage], [7, message]);
    }
    assert.equal((await send('/webhooks', { origin: 'null' }, { method: 'GET' })).status, 403);
    assert.deepEqual((await api.webhooks.list({})).webhooks, []);
  });

  it('is let in from the server itself and from origins that are listed', async () => {
    for (const origin of [api.url, 'https://app.example']) {
      assert.equal((await send('/webhooks', { origin }, { method: 'GET' })).status, 200, origin);
      const client = createClient(WebhookService, api.transports.grpcWeb);
      assert.deepEqual((await client.list({}, { headers: { origin } })).webhooks, []);
    }
  });
});

describe('A plain path', () => {
  it("hands on its caller's headers", async () => {
    const answer = await send('/webhooks', { 'connect-timeout-ms': 'soon' }, { method: 'GET' });
    assert.equal(answer.status, 400);
    assert.match(JSON.parse(answer.body).message, /invalid connect timeout/);
  });

  it('is answered compressed only to a caller that takes it so', async () => {
    const long = { ...WEBHOOK, payload: { text: 'x'.repeat(5000) } };
    const made = await send('/webhooks', JSON_TYPE, { body: JSON.stringify(long) });
    const { id } = JSON.parse(made.body).webhook;
    const plain = await send(`/webhooks/${id}`, {}, { method: 'GET' });
    assert.deepEqual([plain.status, JSON.parse(plain.body).id], [200, id]);
    const headers = { 'accept-encoding': 'gzip' };
    const zipped = await fetch(`${api.url}/webhooks/${id}`, { headers });
    assert.equal(zipped.headers.get('content-encoding'), 'gzip');
    assert.equal(((await zipped.json()) as { id: string }).id, id);
  });
});
