import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { gzipSync } from 'node:zlib';
import { create, type DescMethod, fromBinary, type MessageInitShape, toBinary } from '@bufbuild/protobuf';
import { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { StatusSchema } from '../../../gen/google/rpc/status_pb.ts';
import { Health } from '../../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import {
  framed,
  pathOf,
  type RawHttp2,
  type RawHttp2Answer,
  type RunningGrpc,
  rawHttp2,
  startGrpc,
} from '../../support/grpc.ts';
import { type RunningApi, startApi } from '../../support/rpc.ts';

/** The largest message; what is larger is refused. */
const MESSAGE_BYTES_MAX = 70_000;
const DESTINATION = 'http://127.0.0.1:9999/hook';

interface Asked {
  readonly path: string;
  readonly body: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** The bytes of some messages, each with its frame. */
function ask<M extends DescMethod>(method: M, ...messages: MessageInitShape<M['input']>[]): Asked {
  const frames = messages.map((message) => framed(toBinary(method.input, create(method.input, message))));
  return { path: pathOf(method), body: Buffer.concat(frames) };
}

const { register, get, list, update, pause, remove, previewSchedule } = WebhookService.method;
const { publish, publishBatch, publishStream, getEvent, listEvents, replayEvents } = EventService.method;
const { listDeliveries, getDelivery, watchDeliveries, retryDelivery } = DeliveryService.method;
const GET = pathOf(get);
const NOTE = framed(toBinary(get.input, create(get.input, { id: 'wh_none' })));
const event = { id: 'twice', type: 'order.paid', data: { case: 'text', value: 'paid' } } as const;
const STREAMED = toBinary(publishStream.input, create(publishStream.input, { request: { event } }));

const REQUESTS: Readonly<Record<string, Asked>> = {
  'a registration that is only checked': ask(register, {
    validateOnly: true,
    webhook: { name: 'checked', destination: DESTINATION },
  }),
  'a registration with mistakes': ask(register, {
    webhook: { name: '', destination: 'ftp://x', headers: { host: 'x' }, eventTypes: ['a b'] },
  }),
  'a registration of nothing': ask(register, {}),
  'an update of nothing': ask(update, {}),
  'a webhook that there is not': ask(get, { id: 'wh_none' }),
  'no id': ask(get, {}),
  'a namespace that is none': ask(get, { id: 'wh_none', namespace: 'Not A Namespace' }),
  'a page of webhooks': ask(list, { pageSize: 10 }),
  'a page token that is none': ask(list, { pageToken: 'none' }),
  'a pause of nothing': ask(pause, { id: 'wh_none' }),
  'a removal of nothing': ask(remove, {}),
  'a preview': ask(previewSchedule, {
    source: { case: 'schedule', value: { when: { case: 'cron', value: '0 9 * * MON' } } },
    count: 3,
  }),
  'a schedule that is none': ask(previewSchedule, {
    source: { case: 'schedule', value: { when: { case: 'cron', value: '0 99 * * *' } } },
  }),
  'an event that was published before': ask(publish, { event }),
  'the same id with another content': ask(publish, { event: { ...event, subject: 'other' } }),
  'an event with mistakes': ask(publish, { event: { type: 'carillon.own', id: 'a b' } }),
  'events, some with mistakes': ask(publishBatch, {
    requests: [{ event }, { event: { type: '' } }, {}],
  }),
  'no events': ask(publishBatch, {}),
  'a stream of events, some with mistakes': ask(
    publishStream,
    { request: { event } },
    { request: { event: { type: '' } } },
    {},
  ),
  'an event': ask(getEvent, { id: 'twice' }),
  'an event that there is not': ask(getEvent, { id: 'evt_none' }),
  'a page of events': ask(listEvents, {}),
  'a replay of nothing': ask(replayEvents, {}),
  'a page of deliveries': ask(listDeliveries, {}),
  'a filter that is none': ask(listDeliveries, { filter: 'state = = "SUCCEEDED"' }),
  'a delivery that there is not': ask(getDelivery, { id: 'dlv_none' }),
  'a watch that makes no sense': ask(watchDeliveries, { filter: 'nonsense' }),
  'a retry of nothing': ask(retryDelivery, {}),
  'the health of all': ask(Health.method.check, {}),
  'the health of what there is not': ask(Health.method.check, { service: 'none' }),
  'a list of healths': ask(Health.method.list, {}),
  'a reflection': ask(
    ServerReflection.method.serverReflectionInfo,
    { host: 'x', messageRequest: { case: 'listServices', value: '' } },
    { messageRequest: { case: 'fileContainingSymbol', value: 'carillon.v1.EventService' } },
    { messageRequest: { case: 'fileByFilename', value: 'none.proto' } },
  ),
  'an older reflection': ask(ServerReflectionAlpha.method.serverReflectionInfo, {
    messageRequest: { case: 'fileByFilename', value: 'carillon/v1/webhook.proto' },
  }),
  'no messages for a stream of them': ask(ServerReflection.method.serverReflectionInfo),
  'a method that there is not': { path: '/carillon.v1.WebhookService/Registre', body: NOTE },
  'a service that there is not': { path: '/carillon.v2.WebhookService/Get', body: NOTE },
  'bytes that are no message': { path: GET, body: framed(Buffer.from('garbage!')) },
  'text that is no UTF-8': { path: GET, body: framed(new Uint8Array([0x0a, 0x02, 0xc3, 0x28])) },
  'no message': { path: GET, body: new Uint8Array(0) },
  'half of a message': { path: GET, body: NOTE.subarray(0, -1) },
  'half of the head of a message': { path: GET, body: NOTE.subarray(0, 3) },
  'a message with all flags': { path: GET, body: framed(NOTE.subarray(5), 255) },
  'a message with a flag that there is not': {
    path: GET,
    body: framed(gzipSync(NOTE.subarray(5)), 2),
    headers: { 'grpc-encoding': 'gzip' },
  },
  'a message that is compressed, though nothing says with what': {
    path: GET,
    body: framed(NOTE.subarray(5), 1),
  },
  'a message that is compressed with nothing': {
    path: GET,
    body: framed(NOTE.subarray(5), 1),
    headers: { 'grpc-encoding': 'identity' },
  },
  'messages of a stream, one compressed, though nothing says with what': {
    path: pathOf(publishStream),
    body: Buffer.concat([framed(STREAMED), framed(STREAMED, 1), framed(STREAMED)]),
  },
  'messages of a stream, one with all flags': {
    path: pathOf(publishStream),
    body: Buffer.concat([framed(STREAMED), framed(STREAMED, 255), framed(STREAMED)]),
  },
  'another verb': { path: GET, body: NOTE, headers: { ':method': 'PUT' } },
  'two messages': { path: GET, body: Buffer.concat([NOTE, NOTE]) },
  'a message that is compressed': {
    path: GET,
    body: framed(gzipSync(NOTE.subarray(5)), 1),
    headers: { 'grpc-encoding': 'gzip' },
  },
  'a message that is not compressed, though it says so': {
    path: GET,
    body: framed(NOTE.subarray(5), 1),
    headers: { 'grpc-encoding': 'gzip' },
  },
  'a message at the limit': { path: GET, body: framed(padded(MESSAGE_BYTES_MAX)) },
  'a message over the limit': { path: GET, body: framed(padded(MESSAGE_BYTES_MAX + 1)) },
  'a message that is over the limit once it is decompressed': {
    path: GET,
    body: framed(gzipSync(padded(MESSAGE_BYTES_MAX + 1)), 1),
    headers: { 'grpc-encoding': 'gzip' },
  },
  ...Object.fromEntries(
    Object.entries({
      'bytes that are no message': framed(Buffer.from('garbage!')),
      'text that is no UTF-8': framed(new Uint8Array([0x0a, 0x06, 0x0a, 0x04, 0x0a, 0x02, 0xc3, 0x28])),
      'half a message': framed(STREAMED).subarray(0, 9),
      'half of a head': framed(STREAMED).subarray(0, 3),
      'a message that is compressed': framed(gzipSync(STREAMED), 1),
      'a compressed message without its end': framed(gzipSync(STREAMED).subarray(0, -9), 1),
      'a message that is not compressed, though it says so': framed(STREAMED, 1),
      'a message that is over the limit once it is decompressed': framed(
        gzipSync(Buffer.concat([STREAMED, new Uint8Array(MESSAGE_BYTES_MAX)])),
        1,
      ),
    }).map(([what, last]) => [
      `${what}, at the end of a stream`,
      {
        path: pathOf(publishStream),
        body: Buffer.concat([framed(STREAMED), last]),
        headers: { 'grpc-encoding': 'gzip' },
      },
    ]),
  ),
  'a message over the limit, in a stream': {
    path: pathOf(publishStream),
    body: framed(new Uint8Array(MESSAGE_BYTES_MAX + 1)),
  },
  'a timeout that is none': { path: GET, body: NOTE, headers: { 'grpc-timeout': 'soon' } },
  'a timeout that is over': { path: GET, body: NOTE, headers: { 'grpc-timeout': '0S' } },
  'a watch until its deadline': {
    ...ask(Health.method.watch, {}),
    headers: { 'grpc-timeout': '20m' },
  },
  'a timeout of years': { path: GET, body: NOTE, headers: { 'grpc-timeout': '99999999H' } },
};

/** A GetRequest of so many bytes. */
function padded(size: number): Uint8Array {
  const bytes = toBinary(get.input, create(get.input, { id: 'x'.repeat(size - 4) }));
  assert.equal(bytes.length, size);
  return bytes;
}

/** What a caller gets. A success has no message that would mean anything. */
function answerOf({ grpcStatus, grpcMessage, details, body }: RawHttp2Answer) {
  return {
    code: grpcStatus,
    message: grpcStatus === 0 ? '' : grpcMessage,
    details: details && fromBinary(StatusSchema, details),
    bytes: body.length,
    digest: createHash('sha256').update(body).digest('hex'),
  };
}

describe('Native gRPC answers like the other port', () => {
  let api: RunningApi;
  let native: RunningGrpc;
  let ports: { readonly connect: RawHttp2; readonly native: RawHttp2 };

  before(async () => {
    api = await startApi({ settings: { messageBytesMax: MESSAGE_BYTES_MAX } });
    native = await startGrpc(api.api.services, { settings: { messageBytesMax: MESSAGE_BYTES_MAX } });
    const { hostname, port } = new URL(api.url2);
    ports = { connect: rawHttp2({ host: hostname, port: Number(port) }), native: rawHttp2(native.address) };
    await api.webhooks.register({
      webhook: { name: 'first', destination: DESTINATION, eventTypes: ['order.*'] },
    });
    await api.events.publish({ event });
  });
  after(async () => {
    await ports.connect[Symbol.asyncDispose]();
    await ports.native[Symbol.asyncDispose]();
    await native[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });

  for (const [what, { path, body, headers = {} }] of Object.entries(REQUESTS)) {
    it(`to ${what}`, async () => {
      const expected = await ports.connect.send({ ':path': path, ...headers }, body);
      const got = await ports.native.send({ ':path': path, ...headers }, body);
      assert.deepEqual(answerOf(got), answerOf(expected));
      assert.ok(got.grpcStatus !== undefined);
    });
  }
});
