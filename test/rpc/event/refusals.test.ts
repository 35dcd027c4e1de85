import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { create, type MessageInitShape, toJson } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import {
  type EventSchema,
  type PublishRequest,
  PublishRequestSchema,
} from '../../../gen/carillon/v1/event_pb.ts';
import { EVENT_BYTES_MAX } from '../../../src/domain/event/event.ts';
import type { Acceptor } from '../../../src/server/listen/acceptor.ts';
import { createListener } from '../../../src/server/listen/listener.ts';
import { Refusal } from '../../support/call.ts';
import { type RunningGrpc, startGrpc } from '../../support/grpc.ts';
import { type Server, WAYS } from '../../support/publishers.ts';
import { type JsonError, jsonFieldsOf, type RunningApi, startApi } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

type Event = MessageInitShape<typeof EventSchema>;
type DeliveryTime = Exclude<MessageInitShape<typeof PublishRequestSchema>, { $typeName: string }>['due'];

const DAY_SECONDS = 86_400n;
const event = (fields: Event, due: DeliveryTime = { case: undefined }): PublishRequest =>
  create(PublishRequestSchema, { event: { type: 'a', ...fields } as Event, due });
const delay = (value: { seconds?: bigint; nanos?: number }): PublishRequest =>
  event({}, { case: 'delay', value });
const text = (value: string) => ({ case: 'text', value }) as const;

/** What is published, and the fields that are named. */
const BAD: Readonly<Record<string, readonly [request: PublishRequest, ...fields: string[]]>> = {
  'a type with a space': [event({ type: 'a b' }), 'event.type'],
  'a type of 129 characters': [event({ type: 'a'.repeat(129) }), 'event.type'],
  'a type of our own': [event({ type: 'carillon.mine' }), 'event.type'],
  'an id with a space': [event({ id: 'a b' }), 'event.id'],
  'an id of 129 characters': [event({ id: 'a'.repeat(129) }), 'event.id'],
  'a source that is no URI': [event({ source: 'not a uri' }), 'event.source'],
  'a subject with NUL': [event({ subject: '\0' }), 'event.subject'],
  'a byte too many': [
    event({ data: { case: 'bytes', value: new Uint8Array(EVENT_BYTES_MAX + 1) } }),
    'event.bytes',
  ],
  'a character of two bytes too many': [
    event({ data: text(`${'a'.repeat(EVENT_BYTES_MAX - 1)}é`) }),
    'event.text',
  ],
  'text that is not the JSON that it says': [
    event({ contentType: 'application/json', data: text('{') }),
    'event.text',
  ],
  'a media type that is none': [event({ contentType: 'x' }), 'event.content_type'],
  'a charset that is not known': [
    event({ contentType: 'text/plain; charset=windows-1252', data: text('a') }),
    'event.content_type',
  ],
  'JSON in another charset than UTF-8': [
    event({ contentType: 'application/json; charset=iso-8859-1', data: text('{}') }),
    'event.content_type',
  ],
  'a character that the charset has not': [
    event({ contentType: 'text/plain; charset=iso-8859-1', data: text('5 €') }),
    'event.text',
  ],
  'a header of our own': [event({ headers: { 'webhook-id': 'x' } }), 'event.headers["webhook-id"]'],
  'a header with a line break': [event({ headers: { 'x-a': 'a\r\nb' } }), 'event.headers["x-a"]'],
  'a delay of 367 days': [delay({ seconds: 367n * DAY_SECONDS }), 'delay'],
  'a delay below zero': [delay({ seconds: -1n }), 'delay'],
  'a delay of a nanosecond': [delay({ nanos: 1 }), 'delay'],
  'a time in 367 days': [
    event({}, { case: 'deliverTime', value: { seconds: BigInt(T0 / 1000) + 367n * DAY_SECONDS } }),
    'deliver_time',
  ],
  'several mistakes': [
    event({ id: ' ', type: '', source: ' ' }, { case: 'delay', value: { seconds: -1n } }),
    'event.id',
    'event.type',
    'event.source',
    'delay',
  ],
};

/** `POST /events`, by which the fields of an event are at the root. */
async function post(url: string, request: PublishRequest): Promise<Refusal> {
  const json = toJson(PublishRequestSchema, request) as Record<string, string>;
  const { event: body, ...query } = json;
  const response = await fetch(`${url}/events?${new URLSearchParams(query)}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  assert.equal(response.status, 400);
  const error = (await response.json()) as JsonError;
  assert.equal(error.code, 'invalid_argument');
  return new Refusal(Code.InvalidArgument, error.message, jsonFieldsOf(error));
}

describe('An event that is refused', () => {
  let api: RunningApi;
  let native: RunningGrpc;
  let listener: Acceptor;
  let server: Server;
  before(async () => {
    api = await startApi();
    native = await startGrpc(api.api.services);
    const handler = (...call: Parameters<typeof api.api.handle>) => void api.api.handle(...call);
    listener = await createListener({ handler, host: '127.0.0.1', port: 0 });
    server = {
      url: `http://127.0.0.1:${listener.address.port}`,
      grpcAddress: `${native.address.host}:${native.address.port}`,
    };
  });
  after(async () => {
    await listener.close(0);
    await native[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });

  for (const [what, [request, ...fields]] of Object.entries(BAD)) {
    it(`for ${what} is so with the same words, whichever way it came, and is not there`, async () => {
      const { fields: named, message } = await post(server.url, request);
      assert.deepEqual(
        named,
        fields.map((field) => field.replace(/^event\./, '')),
      );
      for (const [way, open] of Object.entries(WAYS)) {
        await using publisher = open(server);
        const [answer] = await publisher.publish([request]);
        assert.ok(answer instanceof Refusal, way);
        assert.deepEqual([answer.code, answer.fields], [Code.InvalidArgument, fields], way);
        assert.equal(answer.message.replaceAll('event.', ''), message, way);
      }
      assert.deepEqual((await api.events.listEvents({})).events, []);
    });
  }
});
