import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { create, type DescMethod, fromBinary, toBinary } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import {
  EventSchema,
  EventService,
  PublishBatchResponseSchema,
  PublishRequestSchema,
  type PublishResult,
  PublishStreamResponseSchema,
} from '../../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { BadRequestSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { type RawHttp2, type RunningGrpc, rawHttp2, startGrpc } from '../../support/grpc.ts';
import { sharedApi } from '../../support/rpc.ts';

const { publishBatch, publishStream } = EventService.method;
const { fields } = { fields: EventSchema.field };

// ── Events in binary, as no client of ours would write them ────────────────────────────────────────

const varint = (value: number): number[] =>
  value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
const put = (number: number, bytes: Uint8Array) =>
  Buffer.concat([Buffer.from([...varint((number << 3) | 2), ...varint(bytes.length)]), bytes]);
const good = (id: string) =>
  Buffer.from(toBinary(PublishRequestSchema, create(PublishRequestSchema, { event: { id, type: 'a' } })));

/** Objects inside each other: a Value of a Struct, whose one field is a Value, and so on. */
function nested(depth: number): Buffer {
  let value = Buffer.from([0x08, 0]);
  for (let i = 0; i < depth; i++) {
    value = put(5, put(1, Buffer.concat([put(1, Buffer.from('a')), put(2, value)])));
  }
  return value;
}

const typed = (...more: Buffer[]) =>
  put(1, Buffer.concat([put(fields.type.number, Buffer.from('a')), ...more]));

/** What is wrong with an event, and the field that is named. */
const BINARY: Readonly<Record<string, readonly [event: Buffer, field: string]>> = {
  'nests 40 deep': [
    typed(put(fields.json.number, nested(32)), put(fields.subject.number, Buffer.from('\0'))),
    'event.subject',
  ],
  'nests 48 deep': [typed(put(fields.json.number, nested(48))), 'event.json'],
  'nests 3,000 deep': [typed(put(fields.json.number, nested(3_000))), 'event.json'],
  'has 5,000 headers': [
    typed(
      ...Array.from({ length: 5_000 }, (_, i) => put(fields.headers.number, put(1, Buffer.from(`a${i}`)))),
    ),
    'event.headers',
  ],
};
const UNREADABLE: typeof BINARY = {
  'has text that is no UTF-8': [put(1, put(fields.type.number, Buffer.from([0xc3, 0x28]))), ''],
  'is cut off': [typed().subarray(0, -1), ''],
  'is no message': [Buffer.from('garbage!'), ''],
};

// ── The same in JSON ───────────────────────────────────────────────────────────────────────────────

const deep = (depth: number) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
const IN_JSON: Readonly<Record<string, readonly [request: string, field: string]>> = {
  'nests 48 deep': [`{"event":{"type":"a","json":${deep(48)}}}`, 'event.json'],
  'nests 3,000 deep': [`{"event":{"type":"a","json":${deep(3_000)}}}`, 'event.json'],
  'has a time that is none': ['{"event":{"type":"a","time":"2026-02-30T00:00:00Z"}}', 'event.time'],
  'has a time that is a number': ['{"event":{"type":"a","time":1}}', 'event.time'],
  'has a delay that is none': ['{"event":{"type":"a"},"delay":"soon"}', 'delay'],
  'has a field that there is not': ['{"event":{"typ":"a"}}', 'event.typ'],
  'has a field twice': ['{"event":{"type":"a","type":"b"}}', 'event.type'],
  'has two kinds of data': ['{"event":{"type":"a","text":"","json":1}}', 'event.json'],
  'has a lone surrogate': ['{"event":{"type":"\\ud800"}}', 'event.type'],
  'has bytes that are no base64': ['{"event":{"type":"a","bytes":"%"}}', 'event.bytes'],
  'has 5,000 headers': [
    `{"event":{"type":"a","headers":{${Array.from({ length: 5_000 }, (_, i) => `"a${i}":""`).join()}}}}`,
    'event.headers',
  ],
  'is a number': ['1', ''],
  'is null': ['null', ''],
};

/** The id of an event that was published, or the first field that is wrong. */
function told({ result }: PublishResult): string {
  if (result.case !== 'error') return result.case === 'response' ? result.value.id : 'nothing';
  assert.equal(result.value.code, 3);
  const detail = result.value.details.map((each) => anyUnpack(each, BadRequestSchema)).find(Boolean);
  return `refused ${detail?.fieldViolations[0]?.field}`;
}

const pathOf = ({ parent, name }: DescMethod) => `/${parent.typeName}/${name}`;

function framed(bytes: Uint8Array): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function unframed(body: Buffer): Buffer[] {
  const all: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const end = at + 5 + body.readUInt32BE(at + 1);
    all.push(body.subarray(at + 5, end));
    at = end;
  }
  return all;
}

describe('An event that cannot be read, among others', () => {
  const api = sharedApi();
  let native: RunningGrpc;
  let ports: Readonly<Record<string, RawHttp2>>;
  before(async () => {
    native = await startGrpc(api().api.services);
    const { hostname, port } = new URL(api().url2);
    ports = { connect: rawHttp2({ host: hostname, port: Number(port) }), native: rawHttp2(native.address) };
  });
  after(async () => {
    for (const port of Object.values(ports)) await port[Symbol.asyncDispose]();
    await native[Symbol.asyncDispose]();
  });

  async function batchOf(items: readonly Buffer[]): Promise<PublishResult[]> {
    const body = Buffer.concat(items.map((item) => put(1, item)));
    const response = await fetch(`${api().url}${pathOf(publishBatch)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/proto' },
      body,
    });
    const bytes = new Uint8Array(await response.arrayBuffer());
    assert.equal(response.status, 200, Buffer.from(bytes).toString());
    return fromBinary(PublishBatchResponseSchema, bytes).results;
  }

  for (const [what, [event, field]] of Object.entries({ ...BINARY, ...UNREADABLE })) {
    it(`is refused alone in PublishBatch when it ${what}, by every protocol in binary`, async () => {
      const items = [good('before'), event, good('after')];
      const expected = ['before', `refused ${field}`, 'after'];
      assert.deepEqual((await batchOf(items)).map(told), expected);
      const body = framed(Buffer.concat(items.map((item) => put(1, item))));
      for (const [name, port] of Object.entries(ports)) {
        const answer = await port.send({ ':path': pathOf(publishBatch) }, body);
        const [message] = unframed(Buffer.from(answer.body));
        assert.ok(message, `${name}: ${answer.grpcMessage}`);
        assert.deepEqual(fromBinary(PublishBatchResponseSchema, message).results.map(told), expected, name);
      }
    });
  }

  for (const [what, [event, field]] of Object.entries(BINARY)) {
    it(`is refused alone in PublishStream when it ${what}, on both ports`, async () => {
      const body = Buffer.concat([good('before'), event, good('after')].map((each) => framed(put(1, each))));
      for (const [name, port] of Object.entries(ports)) {
        const answer = await port.send({ ':path': pathOf(publishStream) }, body);
        assert.equal(answer.grpcStatus, 0, `${name}: ${answer.grpcMessage}`);
        const results = unframed(Buffer.from(answer.body)).map(
          (each) => fromBinary(PublishStreamResponseSchema, each).result!,
        );
        assert.deepEqual(results.map(told), ['before', `refused ${field}`, 'after'], name);
      }
    });
  }

  interface JsonResult {
    readonly response?: { readonly id: string };
    readonly error?: { readonly details: { readonly fieldViolations?: { readonly field?: string }[] }[] };
  }
  const toldJson = ({ response, error }: JsonResult) =>
    response?.id ??
    `refused ${error?.details.find((each) => each.fieldViolations)?.fieldViolations?.[0]?.field ?? ''}`;

  async function post(path: string, body: string, type = 'application/json'): Promise<string> {
    const response = await fetch(api().url + path, {
      method: 'POST',
      headers: { 'content-type': type },
      body,
    });
    const text = await response.text();
    assert.equal(response.status, 200, text);
    return text;
  }

  for (const [what, [request, field]] of Object.entries(IN_JSON)) {
    it(`is refused alone in PublishBatch when it ${what}, in JSON and in REST`, async () => {
      const body = `{"requests":[{"event":{"id":"first","type":"a"}},${request},{"event":{"id":"last","type":"a"}}]}`;
      for (const path of [pathOf(publishBatch), '/v1/events:publishBatch']) {
        const { results } = JSON.parse(await post(path, body)) as { results: JsonResult[] };
        assert.deepEqual(results.map(toldJson), ['first', `refused ${field}`, 'last'], path);
      }
    });
  }

  it('is refused alone in a stream of lines when it has too much of something', async () => {
    for (const data of [`"json":${deep(48)}`, `"json":${deep(3_000)}`, `"json":[${'1,'.repeat(60_000)}1]`]) {
      const lines = [
        '{"event":{"id":"first","type":"a"}}',
        `{"event":{"type":"a",${data}}}`,
        '{"event":{"id":"last","type":"a"}}',
      ];
      const text = await post('/v1/events:stream', lines.join('\n'), 'application/x-ndjson');
      const answers = text
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { result?: JsonResult }).result);
      assert.deepEqual(
        answers.map((each) => each && (each.response?.id ?? 'refused')),
        ['first', 'refused', 'last'],
        data.slice(0, 20),
      );
    }
  });

  it('is as much as nothing to the others where a text is no JSON at all, which is refused as a whole', async () => {
    const response = await fetch(`${api().url}${pathOf(publishBatch)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"requests":[{"event":{"type":"a","json":${'['.repeat(100)}${'}'.repeat(100)}}}]}`,
    });
    assert.deepEqual([response.status, /is not JSON/.test(await response.text())], [400, true]);
  });
});

describe('A registration that cannot be read, among others', () => {
  const api = sharedApi();
  const webhook = (name: string, more = '') =>
    `{"webhook":{"name":"${name}","destination":"http://127.0.0.1:9999/${name}","eventTypes":["a"]${more}}}`;

  it('is refused alone, whatever is wrong with it', async () => {
    const delays = Array.from({ length: 1_000 }, () => '"1s"').join();
    const bad = [
      [webhook('a', ',"payload":{"format":"NONE"}'), 'webhook.payload.format'],
      [webhook('b', ',"colour":"1s"'), 'webhook.colour'],
      [webhook('c', ',"timeout":"soon"'), 'webhook.timeout'],
      [webhook('d', `,"retryPolicy":{"delays":[${delays}]}`), 'webhook.retry_policy.delays'],
    ] as const;
    const response = await fetch(`${api().url}${pathOf(WebhookService.method.batchRegister)}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: `{"requests":[${[...bad.map(([request]) => request), webhook('good')].join()}]}`,
    });
    const { results } = (await response.json()) as {
      results: { error?: { message: string }; response?: unknown }[];
    };
    assert.deepEqual(
      results.map(({ error }) => error?.message.split(':')[0]),
      [...bad.map(([, field]) => field), undefined],
    );
    assert.ok(results.at(-1)?.response);
  });
});
