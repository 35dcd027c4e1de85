import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import {
  create,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  type MessageInitShape,
  ScalarType,
} from '@bufbuild/protobuf';
import { nestedTypes, reflect, reflectList } from '@bufbuild/protobuf/reflect';
import { TimestampSchema } from '@bufbuild/protobuf/wkt';
import { field as fieldRules } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { file_carillon_v1_admin } from '../../gen/carillon/v1/admin_pb.ts';
import { ConsentStandingSchema } from '../../gen/carillon/v1/consent_pb.ts';
import { SigningSecretSchema } from '../../gen/carillon/v1/credentials_pb.ts';
import { file_carillon_v1_delivery } from '../../gen/carillon/v1/delivery_pb.ts';
import { type Event, EventSchema, file_carillon_v1_event } from '../../gen/carillon/v1/event_pb.ts';
import { file_carillon_v1_schedule } from '../../gen/carillon/v1/schedule_pb.ts';
import {
  EffectiveSchema,
  file_carillon_v1_webhook,
  TrafficSchema,
  type Webhook,
  WebhookSchema,
} from '../../gen/carillon/v1/webhook_pb.ts';
import type { ErrorClass } from '../../src/domain/delivery/attempt.ts';
import type { CancelledReason, FailedReason } from '../../src/domain/delivery/delivery.ts';
import type { DisabledReason } from '../../src/domain/webhook/webhook.ts';
import { behaves } from '../../src/rpc/field-behavior.ts';
import { ROOT } from '../support/docs.ts';
import { sharedApi } from '../support/rpc.ts';

/** Promises of the proto files that no linter knows, held for every field that there is. */

const FILES = [
  file_carillon_v1_admin,
  file_carillon_v1_delivery,
  file_carillon_v1_event,
  file_carillon_v1_schedule,
  file_carillon_v1_webhook,
];
const MESSAGES = FILES.flatMap((file) =>
  [...nestedTypes(file)].filter((type): type is DescMessage => type.kind === 'message'),
);
const FIELDS = MESSAGES.flatMap(({ fields }) => fields);

describe('The proto files', () => {
  it('call a moment …_time, and moments …_times (AIP-142)', () => {
    const moments = FIELDS.filter(({ message }) => message?.typeName === 'google.protobuf.Timestamp');
    assert.ok(moments.length > 10);
    for (const field of moments) {
      const name = nameOf(field);
      if (!OTHERWISE.has(name)) assert.match(name, field.fieldKind === 'list' ? /_times$/ : /_time$/);
    }
  });

  // Each has every word of its type, or does not compile.
  const classes: Record<ErrorClass, true> = {
    TIMEOUT: true,
    CONNECT: true,
    DNS: true,
    TLS: true,
    RESET: true,
    PROTOCOL: true,
    FORBIDDEN_ADDRESS: true,
    REQUEST: true,
    OAUTH: true,
    LOCAL: true,
    PROXY: true,
  };
  const ends: Record<FailedReason | CancelledReason, true> = {
    EXHAUSTED: true,
    REFUSED: true,
    GONE: true,
    RENDER: true,
    OVERFLOW: true,
    REMOVED: true,
    SUPERSEDED: true,
    REQUESTED: true,
    PURGED: true,
  };
  const stops: Record<DisabledReason, true> = { GONE: true, FAILING: true };
  for (const [message, field, words, states] of [
    ['Attempt', 'errorClass', classes, []],
    ['Delivery', 'stateReason', ends, ['FAILED', 'CANCELLED']],
    ['Webhook', 'stateReason', stops, ['DISABLED']],
  ] as const) {
    it(`name every word that ${message}.${field} can be, and no other`, () => {
      const said = new Set(descriptionOf(message, field).match(/\b[A-Z][A-Z_]+\b/g));
      for (const state of states) assert.ok(said.delete(state), state);
      assert.deepEqual([...said].sort(), Object.keys(words).sort());
    });
  }
});

describe('google.api.field_behavior', () => {
  const api = sharedApi();
  const destination = 'http://127.0.0.1:9999/hook';

  it('says REQUIRED of what must be given, by the rules of buf.validate, and of nothing else', () => {
    for (const field of FIELDS) {
      assert.equal(behaves(field, 'REQUIRED'), mustBeGiven(field), `${nameOf(field)}: is it REQUIRED?`);
    }
    assert.ok(FIELDS.some((field) => behaves(field, 'REQUIRED')));
  });

  it('lets Register ignore each field of a webhook that is for answers only', async () => {
    const { webhook: plain } = await api().webhooks.register({ webhook: { name: 'plain', destination } });
    const fields = outputOnly(WebhookSchema);
    assert.ok(fields.length >= 12);
    for (const field of fields) {
      const name = `register ${field.name}`;
      const { webhook } = await api().webhooks.register({ webhook: given(field, { name, destination }) });
      assert.deepEqual({ ...webhook, ...SAME }, { ...plain, name, ...SAME }, field.name);
    }
  });

  it('lets Update ignore them, in the webhook and in the mask, as well as what names the webhook', async () => {
    const { webhook } = await api().webhooks.register({ webhook: { name: 'updated', destination } });
    assert.ok(webhook);
    const { id } = webhook;
    for (const field of outputOnly(WebhookSchema)) {
      for (const paths of [[], [field.name], ['*']]) {
        const patch = given(field, { id, name: 'updated', destination });
        const update = { webhook: patch, updateMask: { paths } };
        assert.deepEqual(
          (await api().webhooks.update(update)).webhook,
          webhook,
          `${field.name} in [${paths}]`,
        );
      }
    }
    const paths = ['id', 'namespace', 'uid', 'create_time', 'labels'];
    const patch = { id, namespace: 'default', uid: 'wh_other', labels: { a: 'b' } };
    const { webhook: changed } = await api().webhooks.update({ webhook: patch, updateMask: { paths } });
    assert.deepEqual([changed?.uid, changed?.labels], [webhook.uid, { a: 'b' }]);
  });

  it('lets Publish ignore those of an event', async () => {
    for (const field of outputOnly(EventSchema)) {
      const event = reflect(EventSchema, create(EventSchema, { type: 'order.paid' }));
      event.set(field, someValueOf(field));
      const { id } = await api().events.publish({ event: event.message as Event });
      const { event: kept } = await api().events.getEvent({ id });
      assert.deepEqual(
        [kept?.purged, kept?.scheduledTime, Number(kept?.createTime?.seconds) * 1000],
        [false, undefined, api().clock.now()],
        field.name,
      );
    }
  });

  it('is what the OpenAPI document says of fields', () => {
    for (const field of FIELDS) {
      const { readOnly, writeOnly } = schemasOf().components.schemas[field.parent.name]?.properties?.[
        field.jsonName
      ] ?? { readOnly: behaves(field, 'OUTPUT_ONLY'), writeOnly: behaves(field, 'INPUT_ONLY') };
      assert.equal(readOnly ?? false, behaves(field, 'OUTPUT_ONLY'), nameOf(field));
      assert.equal(writeOnly ?? false, behaves(field, 'INPUT_ONLY'), nameOf(field));
    }
    const { components, paths } = schemasOf();
    assert.deepEqual(components.schemas.Webhook?.required, ['name', 'destination']);
    const body = paths['/v1/webhooks/{id}']?.patch?.requestBody?.content['application/json']?.schema;
    assert.ok(body?.properties?.name !== undefined && body.required === undefined);
  });
});

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** A name that others have given, one that reads as a sentence with `every` and `cron`. */
const OTHERWISE: ReadonlySet<string> = new Set(['carillon.v1.Event.time', 'carillon.v1.Schedule.at']);

function nameOf(field: DescField): string {
  return `${field.parent.typeName}.${field.name}`;
}

/** Whether its rules forbid that it is empty or unset. Members of a oneof are alternatives. */
function mustBeGiven(field: DescField): boolean {
  if (field.oneof !== undefined || !hasOption(field, fieldRules)) return false;
  const { required, type } = getOption(field, fieldRules);
  if (required) return true;
  if (field.proto.proto3Optional) return false;
  switch (type.case) {
    case 'string':
      return type.value.minLen > 0n;
    case 'repeated':
      return type.value.minItems > 0n;
    case 'enum':
      return type.value.notIn.includes(0);
    case 'double':
      return type.value.greaterThan.case === 'gte' && type.value.greaterThan.value > 0;
    default:
      return false;
  }
}

function outputOnly(type: DescMessage): DescField[] {
  return type.fields.filter((field) => behaves(field, 'OUTPUT_ONLY'));
}

/** What differs between any two webhooks. */
const SAME = { id: '', uid: '', etag: '', nextRunTime: undefined, signingSecrets: [] };

function given(field: DescField, webhook: MessageInitShape<typeof WebhookSchema>): Webhook {
  const message = reflect(WebhookSchema, create(WebhookSchema, webhook));
  message.set(field, someValueOf(field));
  return message.message as Webhook;
}

/** Some value of a field, which breaks rules where it can. */
function someValueOf(field: DescField): unknown {
  switch (field.fieldKind) {
    case 'enum':
      return 99;
    case 'scalar':
      if (field.scalar === ScalarType.STRING) return 'x'.repeat(5000);
      return field.scalar === ScalarType.BOOL ? true : field.scalar === ScalarType.INT64 ? -7n : -7;
    case 'message':
      if (field.message.typeName === EffectiveSchema.typeName) {
        return reflect(
          EffectiveSchema,
          create(EffectiveSchema, { retryPolicy: { maxAttempts: 1000, jitter: 7 } }),
        );
      }
      if (field.message.typeName === TrafficSchema.typeName) {
        return reflect(TrafficSchema, create(TrafficSchema, { waitingCount: -7n, lastDeliveryId: 'x' }));
      }
      if (field.message.typeName === ConsentStandingSchema.typeName) {
        return reflect(
          ConsentStandingSchema,
          create(ConsentStandingSchema, { allowedRate: -7, reason: 'x' }),
        );
      }
      return reflect(TimestampSchema, create(TimestampSchema, { seconds: 1n }));
    case 'list':
      if (field.listKind === 'scalar') return reflectList(field, ['x'.repeat(5000)]);
      return reflectList(field, [create(SigningSecretSchema, { id: 'x'.repeat(5000) })]);
    default:
      throw new Error(`${field.toString()} is of a kind that needs a value here`);
  }
}

interface SchemaJson {
  readonly description: string;
  readonly readOnly?: boolean;
  readonly writeOnly?: boolean;
  readonly required?: readonly string[];
  readonly properties?: Readonly<Record<string, SchemaJson>>;
}

interface OperationJson {
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: SchemaJson }>> };
}

interface OpenApiJson {
  readonly components: { readonly schemas: Readonly<Record<string, SchemaJson>> };
  readonly paths: Readonly<Record<string, Readonly<Record<string, OperationJson>>>>;
}

function schemasOf(): OpenApiJson {
  return JSON.parse(readFileSync(join(ROOT, 'gen/openapi.json'), 'utf8'));
}

/** The comment of a field, which is in the OpenAPI document alone once the proto files are compiled. */
function descriptionOf(message: string, field: string): string {
  return (
    schemasOf().components.schemas[message]?.properties?.[field]?.description ??
    assert.fail(`${message}.${field}`)
  );
}
