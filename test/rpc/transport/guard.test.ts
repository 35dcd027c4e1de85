import assert from 'node:assert/strict';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { type ClientHttp2Session, type ClientHttp2Stream, connect, createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { after, before, beforeEach, describe, it } from 'node:test';
import { create, type DescMethod, toBinary, toJsonString } from '@bufbuild/protobuf';
import { MethodOptions_IdempotencyLevel } from '@bufbuild/protobuf/wkt';
import { systemClock } from '../../../src/domain/clock.ts';
import { mountServices } from '../../../src/rpc/api.ts';
import { EchoService, echoServices, note } from '../../support/echo.ts';
import { framed, pathOf, type RunningGrpc, rawHttp2, startGrpc } from '../../support/grpc.ts';
import { type Recording, recordGuard } from '../../support/guard.ts';
import { watchedLog } from '../../support/log.ts';
import { type RunningApi, startApi } from '../../support/rpc.ts';

// Every method, whichever way it is called: one `begin` before any message, with the caller's own headers,
// and one `admit` for each message.

/** How a carrier writes the messages of a call. */
interface Way {
  readonly contentType: string;
  readonly json: boolean;
  readonly enveloped: boolean;
}

const JSON_WAY: Way = { contentType: 'application/json', json: true, enveloped: false };
const PROTO: Way = { contentType: 'application/proto', json: false, enveloped: false };
const CONNECT_JSON: Way = { contentType: 'application/connect+json', json: true, enveloped: true };
const CONNECT_PROTO: Way = { contentType: 'application/connect+proto', json: false, enveloped: true };
const GRPC: Way = { contentType: 'application/grpc', json: false, enveloped: true };
const GRPC_JSON: Way = { contentType: 'application/grpc+json', json: true, enveloped: true };
const GRPC_WEB: Way = { contentType: 'application/grpc-web+proto', json: false, enveloped: true };

function waysOf({ methodKind }: DescMethod): readonly Way[] {
  const connectWays = methodKind === 'unary' ? [JSON_WAY, PROTO] : [CONNECT_JSON, CONNECT_PROTO];
  return [...connectWays, GRPC, GRPC_JSON, GRPC_WEB];
}

function messageOf({ input }: DescMethod, { json, enveloped }: Way): Uint8Array {
  const empty = create(input);
  const bytes = json ? Buffer.from(toJsonString(input, empty)) : toBinary(input, empty);
  return enveloped ? framed(bytes) : bytes;
}

/** A call whose head comes long before its messages, and they one by one. */
async function callSlowly(
  session: ClientHttp2Session,
  method: DescMethod,
  way: Way,
  recording: Recording,
): Promise<void> {
  const stream = session.request({
    ':method': 'POST',
    ':path': pathOf(method),
    'content-type': way.contentType,
    te: 'trailers',
    'x-caller': 'me',
  });
  stream.on('error', () => {});
  const answered = anAnswer(stream);
  await recording.reached(1);
  assert.deepEqual(recording.steps, [`begin ${method.name}`], 'before there is a message');
  assert.equal(recording.heads[0]?.headers['x-caller'], 'me');
  const isStream = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
  for (let sent = 1; sent <= (isStream ? 3 : 1); sent++) {
    stream.write(messageOf(method, way));
    // A call with one message waits for the end that must follow it.
    if (isStream) await recording.reached(1 + sent);
  }
  stream.end();
  await recording.reached(isStream ? 4 : 2);
  await answered;
  stream.close();
}

/** Resolves with the first piece of an answer, or its end: some never end. */
function anAnswer(stream: ClientHttp2Stream): Promise<unknown> {
  return Promise.race(['data', 'end', 'close'].map((event) => once(stream, event)));
}

function expected(method: DescMethod): string[] {
  const isStream = method.methodKind === 'client_streaming' || method.methodKind === 'bidi_streaming';
  const admit = `admit ${method.name}`;
  return [`begin ${method.name}`, ...(isStream ? [admit, admit, admit] : [admit])];
}

/** Some services on both ports: that for all, and that of native gRPC. */
async function openPorts(services: ReturnType<typeof echoServices>) {
  const { handle } = mountServices(services, {
    clock: systemClock,
    log: watchedLog().log,
    settings: { messageBytesMax: 1024 },
  });
  const server = createServer((request, response) => assert.ok(handle(request, response)));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const native = await startGrpc(services);
  return {
    ports: [(server.address() as AddressInfo).port, native.address.port],
    async [Symbol.asyncDispose]() {
      server.close();
      await native[Symbol.asyncDispose]();
    },
  };
}

describe('The guard of the API', () => {
  let api: RunningApi;
  let native: RunningGrpc;
  let methods: readonly DescMethod[];
  let recording: Recording;

  before(async () => {
    api = await startApi();
    recording = recordGuard(api.api.services.guard);
    native = await startGrpc(api.api.services);
    methods = api.api.services.mounted.flatMap(({ service }) => service.methods);
  });
  beforeEach(() => recording.clear());
  after(async () => {
    await native[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });

  it('sees every method, in every protocol of the port for all', async () => {
    assert.ok(methods.length > 25);
    const session = connect(api.url2);
    for (const method of methods) {
      for (const way of waysOf(method)) {
        recording.clear();
        await callSlowly(session, method, way, recording);
        assert.deepEqual(recording.steps, expected(method), way.contentType);
      }
    }
    session.destroy();
  });

  it('sees every method over native gRPC', async () => {
    const session = connect(`http://${native.address.host}:${native.address.port}`);
    for (const method of methods) {
      recording.clear();
      await callSlowly(session, method, GRPC, recording);
      assert.deepEqual(recording.steps, expected(method));
    }
    session.destroy();
  });

  it('sees every method that a GET can call', async () => {
    const readers = methods.filter(
      ({ idempotency, methodKind }) =>
        idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS && methodKind === 'unary',
    );
    assert.ok(readers.length > 5);
    for (const method of readers) {
      recording.clear();
      const query = 'connect=v1&encoding=json&message=%7B%7D';
      const headers = { 'x-caller': 'me' };
      await (await fetch(`${api.url}${pathOf(method)}?${query}`, { headers })).arrayBuffer();
      assert.deepEqual(recording.steps, expected(method));
      assert.equal(recording.heads[0]?.headers['x-caller'], 'me');
    }
  });

  it('sees every call of a plain path', async () => {
    const faces = api.api.endpoints.map((endpoint) => /^([A-Z]+) (\/[a-z]+)(\/\{id\})?$/.exec(endpoint));
    const plain = faces.filter((match) => match !== null);
    assert.ok(plain.length > 5);
    for (const [, verb = '', path = '', one] of plain) {
      recording.clear();
      const headers = { 'x-caller': 'me', ...(verb === 'POST' && { 'content-type': 'application/json' }) };
      const request = httpRequest(`${api.url}${path}${one ? '/none' : ''}`, { method: verb, headers });
      request.flushHeaders();
      await recording.reached(1);
      if (verb === 'POST') assert.equal(recording.steps.length, 1, 'before there is a message');
      request.end(verb === 'POST' ? '{}' : undefined);
      const [response] = (await once(request, 'response')) as [IncomingMessage];
      await response.toArray();
      assert.deepEqual(
        recording.steps.map((step) => step.split(' ')[0]),
        ['begin', 'admit'],
        `${verb} ${path}`,
      );
      assert.equal(recording.heads[0]?.headers['x-caller'], 'me');
    }
  });

  it('has seen a message before its rules are checked', async () => {
    const response = await fetch(`${api.url}/carillon.v1.WebhookService/Get`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{"id": "", "namespace": "other"}',
    });
    const { code, message } = (await response.json()) as { code: string; message: string };
    // Whoever names a namespace that is none is told nothing else.
    assert.deepEqual([code, message], ['not_found', 'there is no namespace other']);
    assert.deepEqual(recording.steps, ['begin Get', 'admit Get']);
  });
});

describe('The guard of streams whose caller sends many messages', () => {
  it('sees each of them, on both ports', async () => {
    const services = echoServices();
    const recording = recordGuard(services.guard);
    await using ports = await openPorts(services);
    for (const [i, port] of ports.ports.entries()) {
      const session = connect(`http://127.0.0.1:${port}`);
      for (const method of EchoService.methods) {
        for (const way of i === 0 ? waysOf(method) : [GRPC]) {
          recording.clear();
          await callSlowly(session, method, way, recording);
          assert.deepEqual(recording.steps, expected(method), way.contentType);
        }
      }
      session.destroy();
    }
  });

  it('keeps the whole call from a handler when it refuses it, on both ports', async () => {
    const called: string[] = [];
    const services = echoServices({
      echo(message) {
        called.push('echo');
        return message;
      },
      async *repeat(message) {
        called.push('repeat');
        yield message;
      },
      async collect() {
        called.push('collect');
        return note({});
      },
      async *chat(messages) {
        called.push('chat');
        yield* messages;
      },
    });
    await using ports = await openPorts(services);
    for (const [i, port] of ports.ports.entries()) {
      const evil = rawHttp2({ host: '127.0.0.1', port });
      for (const method of EchoService.methods) {
        for (const way of i === 0 ? waysOf(method) : [GRPC]) {
          await evil.send(
            { ':path': pathOf(method), ':authority': 'evil.example', 'content-type': way.contentType },
            messageOf(method, way),
          );
        }
      }
      await evil[Symbol.asyncDispose]();
    }
    assert.deepEqual(called, []);
  });

  it('keeps a message from the handler that it does not admit', async () => {
    const handed: string[] = [];
    const services = echoServices({
      async *chat(messages) {
        for await (const message of messages) {
          handed.push(message.text);
          yield message;
        }
      },
    });
    const { begin } = services.guard;
    Object.assign(services.guard, {
      begin: (...args: Parameters<typeof begin>) => {
        begin(...args);
        return (message: { text?: string }) =>
          message.text === 'evil' ? Promise.reject(new Error('no')) : undefined;
      },
    });
    await using native = await startGrpc(services);
    const [, , , chat] = EchoService.methods;
    const session = connect(`http://127.0.0.1:${native.address.port}`);
    const stream = session.request({
      ':method': 'POST',
      ':path': pathOf(chat!),
      'content-type': 'application/grpc',
      te: 'trailers',
    });
    for (const text of ['good', 'evil', 'late']) {
      stream.write(framed(toBinary(chat!.input, create(chat!.input, { text }))));
    }
    stream.end();
    stream.resume();
    const [trailers] = await once(stream, 'trailers');
    assert.equal(trailers['grpc-status'], '13');
    assert.deepEqual(handed, ['good']);
    session.destroy();
  });
});
