import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { nestedTypes } from '@bufbuild/protobuf/reflect';
import { file_carillon_v1_delivery } from '../../gen/carillon/v1/delivery_pb.ts';
import { file_carillon_v1_event } from '../../gen/carillon/v1/event_pb.ts';
import { file_carillon_v1_schedule } from '../../gen/carillon/v1/schedule_pb.ts';
import { file_carillon_v1_webhook } from '../../gen/carillon/v1/webhook_pb.ts';
import type { ErrorClass } from '../../src/domain/delivery/attempt.ts';
import type { CancelledReason, FailedReason } from '../../src/domain/delivery/delivery.ts';
import type { DisabledReason } from '../../src/domain/webhook/webhook.ts';
import { ROOT } from '../support/docs.ts';

/** Promises of the proto files that no linter knows, held for every field that there is. */

const FILES = [
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
  };
  const ends: Record<FailedReason | CancelledReason, true> = {
    EXHAUSTED: true,
    REFUSED: true,
    GONE: true,
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

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** A name that others have given, one that reads as a sentence with `every` and `cron`. */
const OTHERWISE: ReadonlySet<string> = new Set([
  'carillon.v1.Event.time',
  'carillon.v1.Schedule.at',
  'carillon.v1.PreviewScheduleRequest.after',
]);

function nameOf(field: DescField): string {
  return `${field.parent.typeName}.${field.name}`;
}

interface OpenApiJson {
  readonly components: {
    readonly schemas: Record<
      string,
      { readonly properties: Record<string, { readonly description: string }> }
    >;
  };
}

/** The comment of a field, which is in the OpenAPI document alone once the proto files are compiled. */
function descriptionOf(message: string, field: string): string {
  const { components }: OpenApiJson = JSON.parse(readFileSync(join(ROOT, 'gen/openapi.json'), 'utf8'));
  return components.schemas[message]?.properties[field]?.description ?? assert.fail(`${message}.${field}`);
}
