import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  type DescField,
  type DescMessage,
  type DescMethod,
  fromBinary,
  type JsonObject,
  type JsonValue,
  type Message,
  ScalarType,
} from '@bufbuild/protobuf';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService, PublishBatchRequestSchema } from '../../gen/carillon/v1/event_pb.ts';
import { RegisterRequestSchema, WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { DomainError } from '../../src/domain/error.ts';
import { declaredMax, farMax, ITEM_VALUES_MAX, isPartOfValue } from '../../src/rpc/field-bounds.ts';
import { faultOf, itemsOf } from '../../src/rpc/item-fault.ts';
import { parseMessage, readBinary } from '../../src/rpc/transport/message.ts';
import { judgeWire } from '../../src/rpc/transport/wire-judge.ts';
import { type Carriers, openCarriers } from '../support/carriers.ts';
import { type RunningApi, startApi } from '../support/rpc.ts';

const SERVICES = [
  WebhookService,
  EventService,
  DeliveryService,
  Health,
  ServerReflection,
  ServerReflectionAlpha,
];
const METHODS: readonly DescMethod[] = SERVICES.flatMap(({ methods }) => methods);

/** Fields inside each other, the last of which is a list or a map. */
type Trail = readonly DescField[];

function trailsOf(type: DescMessage, before: Trail = []): Trail[] {
  return type.fields.flatMap((field) => {
    const trail = [...before, field];
    const here = field.fieldKind === 'list' || field.fieldKind === 'map' ? [trail] : [];
    const isKnown = before.some(({ parent }) => parent === field.message);
    return field.message === undefined || isKnown ? here : [...here, ...trailsOf(field.message, trail)];
  });
}

const last = (trail: Trail) => trail.at(-1)!;
const nameOf = (trail: Trail) => trail.map(({ name }) => name).join('.');
const CASES = METHODS.flatMap((method) => trailsOf(method.input).map((trail) => ({ method, trail })));

// ── What is far too much ───────────────────────────────────────────────────────────────────────────

const head = (field: DescField, wireType: number) => varint((field.number << 3) | wireType);

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...varint(value >>> 7)];
}

function delimited(field: DescField, bytes: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([...head(field, 2), ...varint(bytes.length)]), bytes]);
}

/** Bytes with a field far above its bound, and nothing in the items. */
function manyBytes(field: DescField, packed: boolean): Buffer {
  const count = isPartOfValue(field) ? 2 * ITEM_VALUES_MAX : 100 * farMax(field);
  const isNumber = field.enum !== undefined || ![undefined, ScalarType.STRING].includes(field.scalar);
  if (isNumber && packed) return delimited(field, Buffer.alloc(count, 1));
  const one = isNumber ? [...head(field, 0), 1] : [...head(field, 2), 0];
  return Buffer.concat(Array.from({ length: count }, () => Buffer.from(one)));
}

/** A part of a map is its value. */
function around(trail: Trail, inside: Buffer): Buffer {
  return trail.slice(0, -1).reduceRight((bytes, field) => {
    if (field.fieldKind !== 'map') return delimited(field, bytes);
    return delimited(field, Buffer.concat([Buffer.from([0x12, ...varint(bytes.length)]), bytes]));
  }, inside);
}

function sample(field: DescField): JsonValue {
  if (field.message?.typeName === 'google.protobuf.Duration') return '1s';
  if (field.message?.typeName === 'google.protobuf.Value') return null;
  if (field.message !== undefined) return {};
  if (field.enum !== undefined) return field.enum.values[1]!.name;
  return field.scalar === ScalarType.INT32 ? 1 : 'a';
}

function manyJson(trail: Trail): JsonObject {
  return trail.reduceRight<JsonValue>((inside, field) => {
    const isLast = field === last(trail);
    const count = isLast ? 10 * farMax(field) : 1;
    const items = Array.from({ length: count }, () => (isLast ? sample(field) : inside));
    const entries = items.map((item, i) => [`a${i}`, item]);
    const value =
      field.fieldKind === 'list' ? items : field.fieldKind === 'map' ? Object.fromEntries(entries) : inside;
    return { [field.name]: value };
  }, {}) as JsonObject;
}

const isInJson = (trail: Trail) =>
  !trail.some((field) => isPartOfValue(field) || field.parent.typeName === 'google.protobuf.FieldMask');

// ── What is said ───────────────────────────────────────────────────────────────────────────────────

/** What a message is refused with: as a whole, or where its handler finds it. */
async function refusalOf(type: DescMessage, read: () => Message | Promise<Message>): Promise<DomainError> {
  let message: Message;
  try {
    message = await read();
  } catch (reason) {
    assert.ok(reason instanceof DomainError, String(reason));
    return reason;
  }
  const items = itemsOf(type);
  assert.ok(items, `${type.typeName} was read`);
  const given = (message as unknown as Record<string, Message | Message[]>)[items.localName]!;
  const fault = faultOf(Array.isArray(given) ? given[0]! : given);
  assert.ok(fault, `${type.typeName} was read`);
  return fault;
}

/** The path that is named: as far as the data of an event, and without what stands before an item. */
function pathOf(type: DescMessage, trail: Trail): string {
  const data = trail.findIndex(({ message }) => message?.typeName === 'google.protobuf.Value');
  const named = data < 0 ? trail : trail.slice(0, data + 1);
  const isOfItem = itemsOf(type)?.field === named[0] && trail.length > 1;
  return named
    .slice(isOfItem ? 1 : 0)
    .map(({ name }, i, all) => (i < all.length - 1 && all[i]!.fieldKind === 'list' ? `${name}[0]` : name))
    .join('.');
}

function assertSays({ violations }: DomainError, type: DescMessage, trail: Trail): void {
  const field = last(trail);
  assert.deepEqual(
    violations.map((each) => [each.field, each.reason]),
    [[pathOf(type, trail), 'TOO_MUCH_IN_FIELD']],
  );
  const bound = isPartOfValue(field) ? ITEM_VALUES_MAX : declaredMax(field);
  assert.match(violations[0]!.description, new RegExp(`\\b${bound}\\b`));
}

describe('A list or a map that is far over its bound', () => {
  it('is one of many, in the requests of many methods', () => {
    assert.ok(CASES.length > 60, String(CASES.length));
  });

  for (const { method, trail } of CASES) {
    const type = method.input;
    it(`is refused before it is decoded: ${nameOf(trail)} of ${method.name}`, async () => {
      for (const packed of [false, true]) {
        const bytes = around(trail, manyBytes(last(trail), packed));
        assertSays(await refusalOf(type, () => readBinary(type, bytes, 'it')), type, trail);
      }
    });

    if (!isInJson(trail)) continue;
    it(`is refused before its items are looked at: ${nameOf(trail)} of ${method.name} in JSON`, async () => {
      const text = JSON.stringify(manyJson(trail));
      assertSays(await refusalOf(type, () => parseMessage(type, text, 'it')), type, trail);
    });
  }

  it('is one when it is given in parts, and inside a field that is given many times', () => {
    const { webhook } = RegisterRequestSchema.field;
    const { retryPolicy, labels } = webhook.message!.field;
    const { delays } = retryPolicy!.message!.field;
    const some = Buffer.concat(Array.from({ length: 20 }, () => delimited(delays!, Buffer.alloc(0))));
    const part = delimited(webhook, delimited(retryPolicy!, some));
    const parts = (count: number) => Buffer.concat(Array.from({ length: count }, () => part));
    assert.equal(fromBinary(RegisterRequestSchema, parts(10)).webhook?.retryPolicy?.delays.length, 200);
    assert.equal(judgeWire(RegisterRequestSchema, parts(3)), undefined);
    assert.equal(judgeWire(RegisterRequestSchema, parts(10))?.field, 'webhook.retry_policy.delays');
    const empty = delimited(webhook, Buffer.alloc(0));
    const often = Buffer.concat(Array.from({ length: 5_000 }, () => empty));
    assert.match(judgeWire(RegisterRequestSchema, often)?.description ?? '', /more than 1000 fields/);
    const unknown = Buffer.concat(Array.from({ length: 5_000 }, () => Buffer.from([0x98, 0x06, 0])));
    assert.match(judgeWire(RegisterRequestSchema, unknown)?.description ?? '', /more than 1000 fields/);
    // As another type than it has, it would be read otherwise than it was judged.
    const disguised = Buffer.concat([Buffer.from([...head(labels!, 0), 127]), Buffer.alloc(200)]);
    assert.equal(judgeWire(RegisterRequestSchema, delimited(webhook, disguised))?.kind, 'MALFORMED');
    const { name } = webhook.message!.field;
    const fixed = Buffer.from([...head(name!, 1), ...Array.from({ length: 8 }, () => 0)]);
    const longer = Buffer.concat([fixed, delimited(name!, Buffer.alloc(200))]);
    assert.match(
      judgeWire(RegisterRequestSchema, delimited(webhook, longer))?.description ?? '',
      /^webhook\.name has wire type 1$/,
    );
  });

  it('is none that hides in an entry of a map, or in a group that nobody knows', () => {
    const { webhook } = RegisterRequestSchema.field;
    const { labels } = webhook.message!.field;
    const described = (bytes: Buffer) => judgeWire(RegisterRequestSchema, bytes)?.description ?? '';
    const keys = Buffer.from(Array.from({ length: 5_000 }, () => [0x0a, 0]).flat());
    assert.match(described(delimited(webhook, delimited(labels!, keys))), /more than 1000 fields/);
    const [begin, end] = [
      [0x9b, 0x06],
      [0x9c, 0x06],
    ] as const;
    assert.match(described(Buffer.from([...begin, ...keys, ...end])), /more than 1000 fields/);
    const nested = Array.from({ length: 200 });
    const groups = [...nested.flatMap(() => begin), ...nested.flatMap(() => end)];
    assert.match(described(Buffer.from(groups)), /nests deeper than 100/);
  });

  it('is all the values of a batch together, too', async () => {
    const { requests } = PublishBatchRequestSchema.field;
    const { event } = requests.message!.field;
    const { json } = event!.message!.field;
    const { listValue } = json!.message!.field;
    const { values } = listValue!.message!.field;
    const nothing = delimited(values!, Buffer.from([0x08, 0]));
    const list = Buffer.concat(Array.from({ length: 45_000 }, () => nothing));
    const item = around([requests, event!, json!, listValue!, values!], list);
    const batch = (count: number) =>
      readBinary(PublishBatchRequestSchema, Buffer.concat(Array.from({ length: count }, () => item)), 'it');
    await batch(8);
    await assert.rejects(async () => batch(9), /it has more than 400000 values/);
  });
});

describe('A request with far too much, by every way in', () => {
  let api: RunningApi;
  let carriers: Carriers;
  before(async () => {
    api = await startApi();
    carriers = await openCarriers(api);
  });
  after(async () => {
    await carriers[Symbol.asyncDispose]();
    await api[Symbol.asyncDispose]();
  });

  const STREAMED = new Set(['bidi_streaming', 'client_streaming']);
  for (const { method, trail } of CASES) {
    if (!isInJson(trail) || STREAMED.has(method.methodKind) || itemsOf(method.input)) continue;
    it(`is told the field and its bound: ${nameOf(trail)} of ${method.name}`, async () => {
      for (const [name, carrier] of Object.entries(carriers.byName)) {
        // What a URL cannot hold cannot come by one.
        if (name === 'rest' && method === WebhookService.method.batchGet) continue;
        const request = manyJson(trail);
        if (method === WebhookService.method.update) Object.assign(request.webhook!, { id: 'a' });
        const outcome = await carrier(method, request);
        assert.ok('error' in outcome, name);
        const { code, message, details } = outcome.error;
        assert.deepEqual([code, details[0]?.reason], [3, 'TOO_MUCH_IN_FIELD'], name);
        assert.ok(message.includes(`: has more than ${farMax(last(trail))} `), `${name}: ${message}`);
        assert.ok(message.includes(` ${declaredMax(last(trail))}`), `${name}: ${message}`);
        assert.ok(
          message.startsWith(last(trail).name) || message.includes(`.${last(trail).name}: `),
          message,
        );
      }
    });
  }
});
