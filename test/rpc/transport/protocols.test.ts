import assert from 'node:assert/strict';
import { request as httpRequest } from 'node:http';
import { connect as connectTcp } from 'node:net';
import { describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, createClient } from '@connectrpc/connect';
import { compressionGzip, createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import {
  GetRequestSchema,
  RegisterRequestSchema,
  WebhookService,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { type JsonError, refusal, sharedApi, startApi } from '../../support/rpc.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const GET = '/carillon.v1.WebhookService/Get';
const REGISTER = '/carillon.v1.WebhookService/Register';
const JSON_TYPE = { 'content-type': 'application/json' };

describe('Every protocol', () => {
  const api = sharedApi();

  it('registers and reads', async () => {
    for (const [name, transport] of Object.entries(api().transports)) {
      const client = createClient(WebhookService, transport);
      const { webhook } = await client.register({ webhook: { name, destination: DESTINATION } });
      assert.equal((await client.get({ id: webhook?.id ?? '' })).webhook?.name, name);
      assert.equal((await refusal(client.get({ id: 'nothing' }))).code, Code.NotFound);
    }
  });

  it('works over HTTP/2 as over HTTP/1.1', async () => {
    const transport = createConnectTransport({
      baseUrl: api().url2,
      httpVersion: '2',
      idleConnectionTimeoutMs: 1,
    });
    assert.deepEqual(
      (await createClient(WebhookService, transport).list({ filter: 'name = none' })).webhooks,
      [],
    );
  });

  it('takes and gives compressed messages', async () => {
    const compression = {
      sendCompression: compressionGzip,
      acceptCompression: [compressionGzip],
      compressMinBytes: 0,
    };
    const transports = [
      createConnectTransport({
        baseUrl: api().url,
        httpVersion: '1.1',
        useBinaryFormat: false,
        ...compression,
      }),
      createConnectTransport({ baseUrl: api().url, httpVersion: '1.1', ...compression }),
      createGrpcTransport({ baseUrl: api().url2, idleConnectionTimeoutMs: 1, ...compression }),
    ];
    for (const transport of transports) {
      const client = createClient(WebhookService, transport);
      const text = 'x'.repeat(10_000);
      const { webhook } = await client.register({
        webhook: {
          name: 'compressed',
          destination: DESTINATION,
          payload: { body: { case: 'text', value: text } },
        },
      });
      assert.equal(webhook?.payload?.body.value, text);
    }
  });

  it('refuses a message that is too large with RESOURCE_EXHAUSTED, compressed or not, and lets the caller read it', async () => {
    const payload = { body: { case: 'text', value: 'x'.repeat(5 * 1024 * 1024) } } as const;
    const webhook = { name: 'large', destination: DESTINATION, payload };
    const compressed = createConnectTransport({
      baseUrl: api().url,
      httpVersion: '1.1',
      sendCompression: compressionGzip,
    });
    for (const transport of [...Object.values(api().transports), compressed]) {
      const error = await refusal(createClient(WebhookService, transport).register({ webhook }));
      assert.equal(error.code, Code.ResourceExhausted);
    }
    const response = await fetch(`${api().url}/webhooks`, {
      method: 'POST',
      headers: JSON_TYPE,
      body: ' '.repeat(20_000_000),
    });
    assert.equal(response.status, 429);
  });

  it('reads with GET, in JSON and in binary, and writes only with POST', async () => {
    const transport = createConnectTransport({ baseUrl: api().url, httpVersion: '1.1', useHttpGet: true });
    assert.equal(
      (await refusal(createClient(WebhookService, transport).get({ id: 'none' }))).code,
      Code.NotFound,
    );
    const message = Buffer.from(toBinary(GetRequestSchema, create(GetRequestSchema, { id: 'none' })));
    const query = (text: string) => `${api().url}${GET}?encoding=proto&base64=1&${text}`;
    assert.equal((await fetch(query(`message=${message.toString('base64url')}`))).status, 404);
    const zipped = `compression=gzip&message=${gzipSync(message).toString('base64url')}`;
    assert.equal((await fetch(query(zipped))).status, 404);
    assert.equal((await fetch(`${api().url}${REGISTER}?encoding=json&message={}`)).status, 405);
  });
});

describe('What cannot be understood', () => {
  const api = sharedApi();
  const post = (
    path: string,
    headers: Record<string, string>,
    body: string | Uint8Array<ArrayBuffer> = '{}',
  ) => fetch(api().url + path, { method: 'POST', headers, body });
  const errorOf = async (response: Response) => (await response.json()) as JsonError;

  it('gets a body that names the methods of a service, or the services', async () => {
    const method = await post('/carillon.v1.WebhookService/Registre', JSON_TYPE);
    assert.equal(method.status, 404);
    assert.match((await errorOf(method)).message, /has Register, BatchRegister, Get, BatchGet, List/);
    const service = await post('/carillon.v2.WebhookService/Register', JSON_TYPE);
    assert.equal(service.status, 404);
    assert.match(
      (await errorOf(service)).message,
      /carillon\.v1\.WebhookService, carillon\.v1\.EventService, carillon\.v1\.DeliveryService/,
    );
  });

  it('gets a body that names the content types, or the verbs', async () => {
    const type = await post(GET, { 'content-type': 'text/plain' });
    assert.equal(type.status, 415);
    assert.match((await errorOf(type)).message, /application\/json, application\/proto/);
    assert.equal((await post(GET, {}, new Uint8Array(0))).status, 415);
    const verb = await fetch(api().url + GET, { method: 'PUT', headers: JSON_TYPE, body: '{}' });
    assert.deepEqual([verb.status, verb.headers.get('allow')], [405, 'POST, GET']);
    const query = await fetch(api().url + GET);
    assert.equal(query.status, 415);
    assert.match((await errorOf(query)).message, /encoding=json/);
  });

  it('gets told to send gRPC-Web in binary if it came in base64', async () => {
    const watch = '/carillon.v1.DeliveryService/WatchDeliveries';
    for (const type of ['application/grpc-web-text', 'application/grpc-web-text+proto']) {
      for (const path of [GET, watch]) {
        const response = await post(path, { 'content-type': type });
        const { status, headers } = response;
        // Clients of gRPC-Web show the message that comes with 200, and of another status the number alone.
        assert.deepEqual([status, headers.get('grpc-status')], [200, '12']);
        assert.equal(headers.get('content-type'), 'application/grpc-web+proto');
        const message = decodeURIComponent(headers.get('grpc-message') ?? '');
        assert.match(message, /not application\/grpc-web-text: generate the client with mode=grpcweb$/);
      }
    }
  });

  it('gets a grpc-status if it came as gRPC', async () => {
    for (const [path, type] of [
      ['/carillon.v1.WebhookService/Registre', 'application/grpc'],
      ['/anything/at/all', 'application/grpc+proto'],
      [GET, 'application/grpc+thrift'],
      ['/carillon.v1.Nothing/Get', 'application/grpc-web+proto'],
    ] as const) {
      const response = await post(path, { 'content-type': type });
      assert.deepEqual([response.status, response.headers.get('grpc-status')], [200, '12'], path);
      assert.match(decodeURIComponent(response.headers.get('grpc-message') ?? ''), /carillon\.v1/);
    }
  });

  it('is INVALID_ARGUMENT when it is binary and no message', async () => {
    const garbage = new TextEncoder().encode('garbage!');
    const unary = await post(GET, { 'content-type': 'application/proto' }, garbage);
    assert.deepEqual([unary.status, (await errorOf(unary)).code], [400, 'invalid_argument']);
    const framed = new Uint8Array([0, 0, 0, 0, garbage.length, ...garbage]);
    const web = await post(GET, { 'content-type': 'application/grpc-web+proto' }, framed);
    assert.match(await web.text(), /grpc-status: 3/i);
    const invalidUtf8 = new Uint8Array([0x0a, 0x02, 0xc3, 0x28]);
    assert.equal((await post(GET, { 'content-type': 'application/proto' }, invalidUtf8)).status, 400);
  });

  it('is refused when its framing is broken', async () => {
    const type = { 'content-type': 'application/grpc-web+proto' };
    for (const body of [
      new Uint8Array([0, 0]),
      new Uint8Array([0, 0, 0, 0, 9, 1]),
      new Uint8Array([0, 255, 255, 255, 255, 1]),
    ]) {
      assert.match(await (await post(GET, type, body)).text(), /grpc-status: (?!0)/i);
    }
  });

  it('is refused when its compression is unknown or broken', async () => {
    assert.equal((await post(GET, { ...JSON_TYPE, 'content-encoding': 'zstd' })).status, 501);
    assert.equal((await post(GET, { ...JSON_TYPE, 'content-encoding': 'gzip' }, 'no gzip')).status, 400);
    const cutOff = new Uint8Array(gzipSync('{"id":"x"}')).subarray(0, -9);
    const response = await post(GET, { ...JSON_TYPE, 'content-encoding': 'gzip' }, cutOff);
    assert.deepEqual([response.status, (await errorOf(response)).code], [400, 'invalid_argument']);
  });

  it('is refused when its query is no base64', async () => {
    const response = await fetch(`${api().url}${GET}?encoding=json&base64=1&message=!!!`);
    assert.equal(response.status, 400);
    assert.match((await errorOf(response)).message, /base64/);
  });

  it('is refused when its timeout is none, and no timeout is too long', async () => {
    assert.equal(
      (await post(GET, { ...JSON_TYPE, 'connect-timeout-ms': 'soon' }, '{"id": "x"}')).status,
      400,
    );
    assert.equal(
      (await post(GET, { ...JSON_TYPE, 'connect-timeout-ms': '9999999999' }, '{"id": "x"}')).status,
      404,
    );
    const client = createClient(WebhookService, api().transports.grpc);
    const headers = { 'grpc-timeout': '99999999H' };
    assert.equal((await refusal(client.get({ id: 'x' }, { headers }))).code, Code.NotFound);
  });

  it('is refused when it has no host, or a URL that is none', async () => {
    const raw = async (head: string) => {
      const socket = connectTcp(Number(new URL(api().url).port), '127.0.0.1');
      socket.end(`${head}\r\n\r\n`);
      let text = '';
      for await (const chunk of socket) text += String(chunk);
      return text;
    };
    assert.match(
      await raw(`POST ${GET} HTTP/1.0\r\ncontent-type: application/json`),
      /400 Bad Request.*invalid_argument/s,
    );
    assert.match(
      await raw('GET /webhooks?%zz HTTP/1.1\r\nhost: a b\r\nconnection: close'),
      /400 Bad Request/,
    );
  });

  it('does no harm when the caller goes away in the middle of it', async () => {
    const request = httpRequest(`${api().url}${REGISTER}`, {
      method: 'POST',
      headers: { ...JSON_TYPE, 'content-length': 100 },
    });
    request.on('error', () => {});
    request.write('{"webhook":');
    await new Promise((resolve) => request.once('socket', (socket) => socket.once('connect', resolve)));
    request.destroy();
    assert.equal((await fetch(api().url + GET)).status, 415);
  });
});

describe('A deadline', () => {
  it('ends a call that takes longer, over every protocol', async () => {
    await using slow = await startApi({
      deps: (deps) => ({ ...deps, store: { ...deps.store, resolveWebhooks: () => new Promise(() => {}) } }),
    });
    const response = await fetch(slow.url + GET, {
      method: 'POST',
      headers: { ...JSON_TYPE, 'connect-timeout-ms': '20' },
      body: '{"id": "x"}',
    });
    assert.deepEqual(
      [response.status, ((await response.json()) as JsonError).code],
      [504, 'deadline_exceeded'],
    );
    for (const transport of Object.values(slow.transports)) {
      const error = await refusal(
        createClient(WebhookService, transport).get({ id: 'x' }, { timeoutMs: 20 }),
      );
      assert.equal(error.code, Code.DeadlineExceeded);
    }
  });

  it('leaves nothing behind when the caller cancels', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    await using slow = await startApi({
      deps: (deps) => ({
        ...deps,
        store: {
          ...deps.store,
          resolveWebhooks: () => {
            resolve();
            return new Promise(() => {});
          },
        },
      }),
    });
    const leaving = new AbortController();
    const call = refusal(
      createClient(WebhookService, slow.transports.grpc).get({ id: 'x' }, { signal: leaving.signal }),
    );
    await asked;
    leaving.abort();
    assert.equal((await call).code, Code.Canceled);
  });
});

describe('A large message', () => {
  it('is bounded by the setting', async () => {
    await using small = await startApi({ settings: { messageBytesMax: 1000 } });
    const text = 'x'.repeat(1000);
    const webhook = {
      name: 'x',
      destination: DESTINATION,
      payload: { body: { case: 'text', value: text } },
    } as const;
    assert.ok(toBinary(RegisterRequestSchema, create(RegisterRequestSchema, { webhook })).length > 1000);
    assert.equal((await refusal(small.webhooks.register({ webhook }))).code, Code.ResourceExhausted);
  });
});
