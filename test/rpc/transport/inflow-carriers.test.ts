import assert from 'node:assert/strict';
import { request } from 'node:http';
import { after, before, beforeEach, describe, it } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { create, toBinary } from '@bufbuild/protobuf';
import { Code, type ConnectError, createClient } from '@connectrpc/connect';
import { compressionGzip, createConnectTransport, createGrpcTransport } from '@connectrpc/connect-node';
import { EventService, PublishBatchRequestSchema } from '../../../gen/carillon/v1/event_pb.ts';
import { Health, HealthCheckResponse_ServingStatus } from '../../../gen/grpc/health/v1/health_pb.ts';
import type { Published } from '../../../src/publish/publisher.ts';
import {
  framed,
  grpcClient,
  grpcRefusal,
  pathOf,
  type RunningGrpc,
  rawHttp2,
  startGrpc,
} from '../../support/grpc.ts';
import { type RunningApi, startApi } from '../../support/rpc.ts';

const KIB = 1024;
const BYTES_MAX = 2_048 * KIB;
/** Each has a connection of its own, and 300 KiB to say. */
const CALLS = 14;
const TEXT = 'x'.repeat(100 * KIB);
const requests = [0, 1, 2].map(() => ({
  event: { type: 'a', data: { case: 'text', value: TEXT } as const },
}));
const JSON_BODY = JSON.stringify({ requests: requests.map(() => ({ event: { type: 'a', text: TEXT } })) });
const MESSAGE = toBinary(PublishBatchRequestSchema, create(PublishBatchRequestSchema, { requests }));

describe('Large requests of many callers', () => {
  let api: RunningApi;
  let native: RunningGrpc;
  /** What was let in and is not done. */
  let held: PromiseWithResolvers<void>[] = [];
  let most = 0;

  before(async () => {
    const inflow = { bytesMax: BYTES_MAX, checkMs: 20, waitMs: 600_000, smallBytes: 16 * KIB };
    api = await startApi({
      settings: { inflow },
      deps: (parts) => ({
        ...parts,
        publisher: {
          async publish(batch): Promise<Published[]> {
            most = Math.max(most, api.api.services.inflow.bytes);
            const until = Promise.withResolvers<void>();
            held.push(until);
            await until.promise;
            return batch.map(() => ({ kind: 'PUBLISHED', id: 'a', deliveries: 0, duplicate: false }));
          },
        },
      }),
    });
    native = await startGrpc(api.api.services);
  });
  after(async () => {
    await native[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });
  beforeEach(() => {
    held = [];
    most = 0;
  });

  const json = (body: string | Buffer, headers = {}) =>
    fetch(`${api.url}${pathOf(EventService.method.publishBatch)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    }).then(({ status }) => status === 200);
  const rest = (body: string | ReadableStream) =>
    fetch(`${api.url}/v1/events:publishBatch`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body,
      duplex: 'half',
    } as RequestInit).then(({ status }) => status === 200);
  const grpc = (sendCompression?: typeof compressionGzip) => {
    const transport = createGrpcTransport({
      baseUrl: api.url2,
      idleConnectionTimeoutMs: 1,
      ...(sendCompression && { sendCompression }),
    });
    return createClient(EventService, transport)
      .publishBatch({ requests })
      .then(({ results }) => results.length === 3);
  };

  const WAYS: Readonly<Record<string, () => Promise<boolean>>> = {
    'Connect in JSON': () => json(JSON_BODY),
    'Connect in JSON, compressed': () => json(gzipSync(JSON_BODY), { 'content-encoding': 'gzip' }),
    'Connect in binary': () =>
      createClient(EventService, createConnectTransport({ baseUrl: api.url, httpVersion: '1.1' }))
        .publishBatch({ requests })
        .then(({ results }) => results.length === 3),
    'gRPC over HTTP/2': () => grpc(),
    'gRPC over HTTP/2, compressed': () => grpc(compressionGzip),
    REST: () => rest(JSON_BODY),
    'REST without a length': () => rest(ReadableStream.from([Buffer.from(JSON_BODY)])),
    'native gRPC': async () => {
      const client = grpcClient(native.address);
      const answer = await client.unary(EventService.method.publishBatch, { requests });
      client.close();
      return answer.message.results.length === 3;
    },
    'native gRPC, compressed': async () => {
      const raw = rawHttp2(native.address);
      const head = { ':path': pathOf(EventService.method.publishBatch), 'grpc-encoding': 'gzip' };
      const answer = await raw.send(
        { ':method': 'POST', 'content-type': 'application/grpc', te: 'trailers', ...head },
        framed(gzipSync(MESSAGE), 1),
      );
      await raw[Symbol.asyncDispose]();
      return answer.grpcStatus === 0;
    },
  };

  for (const [way, call] of Object.entries(WAYS)) {
    it(`are in work as far as there is room, others are answered meanwhile, and all in the end, in ${way}`, async () => {
      const all = Promise.all(Array.from({ length: CALLS }, call));
      // Where nobody says how much comes, all can have a part of what they need, and are let through one at a time,
      // each with room for as much again as has come.
      const unsaid = way === 'REST without a length';
      const over = unsaid ? 2 * MESSAGE.length : MESSAGE.length;
      await until(() => held.length >= (unsaid ? 1 : 2), 'enough in work');
      await setTimeout(150);
      const { bytes } = api.api.services.inflow;
      assert.ok(bytes <= BYTES_MAX + (unsaid ? over : 0), `${bytes} bytes`);
      assert.ok(held.length < CALLS, `${held.length} in work`);
      const health = createClient(Health, api.transports.connect);
      assert.equal((await health.check({})).status, HealthCheckResponse_ServingStatus.SERVING);
      let done = 0;
      while (done < CALLS) {
        await until(() => held.length > done, `more than ${done} in work`);
        held[done++]!.resolve();
      }
      assert.deepEqual(
        await all,
        Array.from({ length: CALLS }, () => true),
      );
      assert.ok(most <= BYTES_MAX + over, `${most} bytes`);
      await until(() => api.api.services.inflow.bytes === 0, 'no bytes in work');
    });
  }
});

describe('Who finds no room in time', () => {
  let api: RunningApi;
  let native: RunningGrpc;
  const leave = Promise.withResolvers<void>();
  before(async () => {
    api = await startApi({
      settings: { inflow: { bytesMax: 512 * KIB, checkMs: 5, waitMs: 20 } },
      deps: (parts) => ({
        ...parts,
        publisher: { publish: () => leave.promise.then(() => []) },
      }),
    });
    native = await startGrpc(api.api.services);
  });
  after(async () => {
    await native[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });

  it('is told to come again later, in every protocol', async () => {
    const path = '/carillon.v1.EventService/PublishBatch';
    const post = (at: string) =>
      fetch(`${api.url}${at}`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON_BODY,
      });
    const first = post(path);
    await until(() => api.api.services.inflow.bytes > 0, 'one in work');

    const inConnect = await post(path);
    assert.equal(inConnect.status, 429);
    assert.equal(((await inConnect.json()) as { code: string }).code, 'resource_exhausted');
    const inRest = await post('/v1/events:publishBatch');
    assert.deepEqual([inRest.status, inRest.headers.get('retry-after')], [429, '1']);
    const { error } = (await inRest.json()) as { error: { message: string; details: { reason?: string }[] } };
    assert.equal(error.details[0]?.reason, 'SERVER_BUSY');
    assert.match(error.message, /^the server is busy: requests of 524288 bytes are in work already/);

    for (const client of [createClient(EventService, api.transports.grpc), undefined]) {
      const refused =
        client === undefined
          ? (await grpcRefusal(native.client.unary(EventService.method.publishBatch, { requests }))).code
          : await client.publishBatch({ requests }).catch((error: ConnectError) => error.code);
      assert.equal(refused, Code.ResourceExhausted);
    }
    leave.resolve();
    assert.equal((await first).status, 500, 'the publisher of this test publishes nothing');
    await until(() => api.api.services.inflow.bytes === 0, 'nothing in work');
  });
});

describe('A body where none is taken', () => {
  it('takes no room once it was refused, also where the answer would be a stream', async () => {
    await using api = await startApi();
    for (const path of ['/v1/webhooks', '/v1/deliveries:watch']) {
      const answered = Promise.withResolvers<number | undefined>();
      const asking = request(api.url + path, { headers: { 'content-length': TEXT.length } }, (response) => {
        response.resume().once('end', () => answered.resolve(response.statusCode));
      });
      asking.once('error', answered.reject).end(TEXT);
      assert.equal(await answered.promise, 400);
      await until(() => api.api.services.inflow.bytes === 0, 'nothing in work');
    }
  });
});

describe('Streams of events', () => {
  it('take of the same room, and no more than there is', async (t) => {
    const leave = Promise.withResolvers<void>();
    await using api = await startApi({
      settings: { inflow: { bytesMax: BYTES_MAX, checkMs: 5 } },
      deps: (parts) => ({
        ...parts,
        publisher: {
          async publish(batch): Promise<Published[]> {
            await leave.promise;
            return batch.map(() => ({ kind: 'PUBLISHED', id: 'a', deliveries: 0, duplicate: false }));
          },
        },
      }),
    });
    await using native = await startGrpc(api.api.services);
    const STREAMS = 6;
    const EVENTS = 10;
    const streams = Array.from({ length: STREAMS }, () => {
      const client = grpcClient(native.address);
      t.after(() => client.close());
      const stream = client.bidi(EventService.method.publishStream);
      for (let i = 0; i < EVENTS; i++) stream.write({ request: requests[0]! });
      stream.end();
      return stream;
    });
    const { inflow } = api.api.services;
    await until(() => inflow.bytes > BYTES_MAX / 2, 'half of the room');
    await setTimeout(300);
    assert.ok(inflow.bytes <= BYTES_MAX + STREAMS * TEXT.length, `${inflow.bytes} bytes`);
    leave.resolve();
    const answers = await Promise.all(streams.map((stream) => stream.toArray()));
    assert.deepEqual(
      answers.map(({ length }) => length),
      Array.from({ length: STREAMS }, () => EVENTS),
    );
    await until(() => inflow.bytes === 0, 'nothing in work');
  });
});

async function until(reached: () => boolean, what: string): Promise<void> {
  for (let i = 0; i < 2_000; i++) {
    if (reached()) return;
    await setTimeout(5);
  }
  assert.fail(`it did not come to ${what}`);
}
