import assert from 'node:assert/strict';
import { type ClientHttp2Stream, connect as connectHttp2, constants } from 'node:http2';
import { after, before, describe, it, type TestContext } from 'node:test';
import { create, createRegistry, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { Code, ConnectError, createClient, type Transport } from '@connectrpc/connect';
import { createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { EventService, type PublishStreamRequestSchema } from '../../../gen/carillon/v1/event_pb.ts';
import { file_google_rpc_error_details } from '../../../gen/google/rpc/error_details_pb.ts';
import type { Address } from '../../../src/server/listen/bind.ts';
import { createListener } from '../../../src/server/listen/listener.ts';
import { framed, type RunningGrpc, startGrpc } from '../../support/grpc.ts';
import { refusal, sharedApi, startApi } from '../../support/rpc.ts';
import { createFeed } from '../../support/stream.ts';

type RequestInit = MessageInitShape<typeof PublishStreamRequestSchema>;

const event = (id: string, type = 'a'): RequestInit => ({ request: { event: { id, type } } });

/** Everything that streams both ways: HTTP/2 takes it, in each protocol and encoding. */
function transportsOf(baseUrl: string): Record<string, Transport> {
  const http2 = { baseUrl, httpVersion: '2', idleConnectionTimeoutMs: 1 } as const;
  const jsonOptions = { registry: createRegistry(file_google_rpc_error_details) };
  return {
    grpc: createGrpcTransport({ baseUrl, idleConnectionTimeoutMs: 1 }),
    connect: createConnectTransport({ ...http2, useBinaryFormat: true }),
    connectJson: createConnectTransport({ ...http2, useBinaryFormat: false, jsonOptions }),
  };
}

function nativeTransport({ host, port }: Address): Transport {
  return createGrpcTransport({ baseUrl: `http://${host}:${port}`, idleConnectionTimeoutMs: 1 });
}

/** What a stream was answered with: ids, and the codes of errors. */
async function answersOf(transport: Transport, requests: AsyncIterable<RequestInit>) {
  const told: (string | number)[] = [];
  for await (const { result } of createClient(EventService, transport).publishStream(requests)) {
    told.push(
      result?.result.case === 'response' ? result.result.value.id : (result?.result.value?.code ?? 0),
    );
  }
  return told;
}

async function* listed(...requests: RequestInit[]): AsyncIterable<RequestInit> {
  yield* requests;
}

/** A client that sends what it is told, and never ends by itself; of the Connect protocol in JSON, unless told otherwise. */
function openRaw(t: TestContext, url: string, contentType = 'application/connect+json'): ClientHttp2Stream {
  const session = connectHttp2(url);
  t.after(() => session.destroy());
  return session.request({
    ':method': 'POST',
    ':path': '/carillon.v1.EventService/PublishStream',
    'content-type': contentType,
  });
}

function frame(text: string): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(Buffer.byteLength(text), 1);
  return Buffer.concat([head, Buffer.from(text)]);
}

describe('PublishStream', () => {
  const api = sharedApi();
  let native: RunningGrpc;
  before(async () => {
    native = await startGrpc(api().api.services);
  });
  after(() => native[Symbol.asyncDispose]());
  const transports = () => ({ ...transportsOf(api().url2), native: nativeTransport(native.address) });

  it('answers each event in order, refused ones too, in every protocol over HTTP/2 and on the native port', async () => {
    for (const [name, transport] of Object.entries(transports())) {
      const ids = Array.from({ length: 1200 }, (_, i) => `${name}-${i}`);
      const requests = ids.map((id) => event(id));
      requests.splice(1000, 0, event(`${name}-0`, 'other'), event('x', 'not a type'));
      const told = await answersOf(transport, listed(...requests));
      const expected: (string | number)[] = [...ids];
      expected.splice(1000, 0, Code.AlreadyExists, Code.InvalidArgument);
      assert.deepEqual(told, expected);
    }
    const { events } = await api().events.listEvents({ pageSize: 1000 });
    assert.equal(events.length, 1000);
  });

  it('answers one event before the next is sent', async () => {
    for (const [name, transport] of Object.entries(transports())) {
      const feed = createFeed<RequestInit>();
      feed.push(event(`${name}-first`));
      let count = 0;
      for await (const _ of createClient(EventService, transport).publishStream(feed)) {
        if (++count < 3) feed.push(event(`${name}-${count}`));
        else feed.end();
      }
      assert.equal(count, 3);
    }
  });

  it('is told over HTTP/1.1 that it takes HTTP/2', async () => {
    const response = await fetch(`${api().url}/carillon.v1.EventService/PublishStream`, {
      method: 'POST',
      headers: { 'content-type': 'application/connect+json' },
      body: '',
    });
    assert.deepEqual([response.status, /HTTP\/2/.test(await response.text())], [505, true]);
  });

  it('ends with INVALID_ARGUMENT where a message cannot be read, after the answers to those before it', async (t) => {
    const stream = openRaw(t, api().url2);
    stream.write(frame('{"request":{"event":{"id":"readable","type":"a"}}}'));
    stream.end(frame('{"request":{"evnt":{}}}'));
    let text = '';
    for await (const chunk of stream) text += String(chunk);
    assert.match(text, /"id":"readable".*invalid_argument/s);
    assert.ok(!text.includes('internal'));
  });

  it('is logged once, with how many events there were', async () => {
    await answersOf(transportsOf(api().url2).grpc!, listed(event('logged-1'), event('x', ' ')));
    const line = await api().line(({ fields }) => fields.events === 2);
    assert.deepEqual(
      [line.fields.rpc, line.fields.code, line.fields.refused],
      ['carillon.v1.EventService/PublishStream', 'ok', 1],
    );
  });
});

describe('A long stream', () => {
  it('may be quiet for longer than a request may take to arrive, before and after its first event', async (t) => {
    await using api = await startApi();
    const listener = await createListener({
      handler: (...call) => void api.api.handle(...call),
      host: '127.0.0.1',
      port: 0,
      limits: { requestMs: 20 },
    });
    t.after(() => listener.close(0));
    const quiet = () => new Promise((resolve) => setTimeout(resolve, 60));
    for (const [name, transport] of Object.entries(
      transportsOf(`http://127.0.0.1:${listener.address.port}`),
    )) {
      async function* slowly() {
        await quiet();
        yield event(`${name}-1`);
        await quiet();
        yield event(`${name}-2`);
      }
      assert.deepEqual(await answersOf(transport, slowly()), [`${name}-1`, `${name}-2`]);
    }
  });

  it('ends with UNAVAILABLE when the server stops, and lets it stop', async (t) => {
    const api = await startApi();
    const listener = await createListener({
      handler: (...call) => void api.api.handle(...call),
      host: '127.0.0.1',
      port: 0,
    });
    // It never ends its own side.
    const stream = openRaw(t, `http://127.0.0.1:${listener.address.port}`);
    stream.write(frame('{"request":{"event":{"id":"1","type":"a"}}}'));
    let text = '';
    for await (const chunk of stream) {
      text += String(chunk);
      api.api.health.stop();
    }
    assert.match(text, /"id":"1".*"unavailable".*publish again/s);
    // Far from this, if the stream were still open.
    await listener.close(60_000);
    await api[Symbol.asyncDispose]();
  });

  it('is cut off when its caller takes no answers for too long, on both ports', async (t) => {
    await using api = await startApi({ settings: { publishStream: { streamsMax: 1 }, stallMs: 50 } });
    await using native = await startGrpc(api.api.services);
    const { host, port } = native.address;
    for (const [url, { line }] of [
      [api.url2, api],
      [`http://${host}:${port}`, native],
    ] as const) {
      const stream = openRaw(t, url, 'application/grpc');
      stream.on('error', () => {});
      const closed = new Promise((resolve) => stream.once('close', resolve));
      // Their answers are long, for they say what is wrong.
      const { input } = EventService.method.publishStream;
      const bad = toBinary(input, create(input, event(' ', 'not a type')));
      stream.write(Buffer.concat(Array.from({ length: 1000 }, () => framed(bad))));
      await line(({ fields }) => fields.cutOff === 'it took no message for 50 ms');
      stream.resume();
      await closed;
      assert.equal(stream.rstCode, constants.NGHTTP2_ENHANCE_YOUR_CALM);
    }
    const { grpc } = transportsOf(api.url2) as { grpc: Transport };
    assert.deepEqual(await answersOf(grpc, listed(event('1'))), ['1']);
  });

  it('is let go when its caller leaves, or its deadline passes', async () => {
    await using api = await startApi({ settings: { publishStream: { streamsMax: 1 } } });
    await using native = await startGrpc(api.api.services);
    const { grpc, connect } = transportsOf(api.url2) as { grpc: Transport; connect: Transport };
    for (const transport of [grpc, connect, nativeTransport(native.address)]) {
      const { lines, line: lineOf } = transport === grpc || transport === connect ? api : native;
      const leaving = new AbortController();
      const feed = createFeed<RequestInit>();
      feed.push(event('1'));
      const read = async () => {
        const client = createClient(EventService, transport);
        for await (const _ of client.publishStream(feed, { signal: leaving.signal })) leaving.abort();
      };
      const logged = lines.length;
      assert.equal((await refusal(read())).code, Code.Canceled);
      const line = await lineOf((each) => lines.indexOf(each) >= logged);
      // Not its code: this client says first that it sends no more, and then that it is gone.
      assert.equal(line.fields.events, 1);
      const late = createClient(EventService, transport).publishStream(createFeed<RequestInit>(), {
        timeoutMs: 50,
      });
      const error = await refusal(late[Symbol.asyncIterator]().next());
      assert.ok(error instanceof ConnectError && error.code === Code.DeadlineExceeded, error.message);
      await lineOf((each) => lines.indexOf(each) > logged);
    }
    assert.deepEqual(await answersOf(grpc, listed(event('2'))), ['2']);
  });
});
