/** Between the domain's nouns and the tuples that cross to the worker. */
import type { Attempt, Outcome } from '../../domain/attempt.ts';
import type { Delivery, DeliveryState, WaitingDelivery } from '../../domain/delivery.ts';
import type { Event, EventBody } from '../../domain/event.ts';
import type { Payload } from '../../domain/template.ts';
import type { Webhook, WebhookSpec } from '../../domain/webhook.ts';
import type { LaneChange, Settlement } from '../store.ts';
import {
  type AttemptRow,
  type BodyRow,
  CANCELLED,
  type DeliveryRow,
  type EventRow,
  FAILED,
  type LaneRow,
  PENDING,
  type SettlementRow,
  type StateCode,
  SUCCEEDED,
  type WaitingRow,
  type WebhookRow,
} from './protocol.ts';

export const STATE_CODES: Readonly<Record<DeliveryState, StateCode>> = {
  PENDING,
  SUCCEEDED,
  FAILED,
  CANCELLED,
};
const STATES: readonly DeliveryState[] = ['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED'];

export function toWebhookRow(webhook: Webhook): WebhookRow {
  const { spec, cursor, health } = webhook;
  return [
    webhook.id,
    webhook.namespace,
    spec.name,
    spec.destination,
    webhook.state,
    webhook.stateReason ?? null,
    cursor.anchorAt,
    cursor.nominalAt,
    cursor.dueAt,
    cursor.fired,
    cursor.skipped,
    health.failingSince,
    health.trips,
    health.openUntil,
    webhook.createdAt,
    webhook.updatedAt,
    webhook.version,
    JSON.stringify(webhook.sealedSecrets.map(toBase64)),
    encodeSpec(spec),
  ];
}

export function fromWebhookRow(row: WebhookRow): Webhook {
  const [id, namespace, , , state, stateReason, anchorAt, nominalAt, dueAt, fired, skipped] = row;
  const secrets: string[] = JSON.parse(row[17]);
  return {
    id,
    namespace,
    spec: decodeSpec(row[18]),
    sealedSecrets: secrets.map(fromBase64),
    state,
    ...(stateReason !== null && { stateReason }),
    cursor: { anchorAt, nominalAt, dueAt, fired, skipped },
    health: { failingSince: row[11], trips: row[12], openUntil: row[13] },
    createdAt: row[14],
    updatedAt: row[15],
    version: row[16],
  };
}

/** A spec in which payload bytes, the one thing that JSON cannot say, are base64. */
type WrittenSpec = Omit<WebhookSpec, 'payload'> & {
  readonly payload?: Omit<Payload, 'body'> & {
    readonly body:
      | Exclude<Payload['body'], { kind: 'data' }>
      | { readonly kind: 'data'; readonly base64: string };
  };
};

export function encodeSpec({ payload, ...spec }: WebhookSpec): string {
  if (payload === undefined) return JSON.stringify(spec satisfies WrittenSpec);
  const body =
    payload.body.kind === 'data'
      ? { kind: payload.body.kind, base64: toBase64(payload.body.data) }
      : payload.body;
  return JSON.stringify({ ...spec, payload: { ...payload, body } } satisfies WrittenSpec);
}

export function decodeSpec(text: string): WebhookSpec {
  const { payload, ...spec }: WrittenSpec = JSON.parse(text);
  if (payload === undefined) return spec;
  const body =
    payload.body.kind === 'data'
      ? { kind: payload.body.kind, data: fromBase64(payload.body.base64) }
      : payload.body;
  return { ...spec, payload: { ...payload, body } };
}

export function toEventRow(event: Event, body: Uint8Array): EventRow {
  return [
    event.id,
    event.namespace,
    event.type,
    event.nominalAt ?? null,
    event.contentType,
    event.createdAt,
    body,
  ];
}

export function fromBodyRow([id, contentType, body, nominalAt]: BodyRow): EventBody {
  return { id, contentType, body, ...(nominalAt !== null && { nominalAt }) };
}

export function fromWaitingRow(row: WaitingRow): WaitingDelivery {
  const [ord, id, webhookId, eventId, dueAt, attempts, superseded] = row;
  return { ord, id, webhookId, eventId, dueAt, attempts, superseded: superseded === 1 };
}

const NO_BYTES = new Uint8Array();

/** The bytes that a settlement carries: the body of the answer, if there was one. */
export function attemptBody({ attempt }: Settlement): Uint8Array {
  return attempt?.outcome.kind === 'answered' ? attempt.outcome.body : NO_BYTES;
}

/** `body` is a copy of the answer's body that may cross to the worker. */
export function toSettlementRow(settlement: Settlement, body: Uint8Array): SettlementRow {
  const { delivery, attempt, transition, now } = settlement;
  return [
    delivery.ord,
    delivery.id,
    delivery.webhookId,
    STATE_CODES[transition.to],
    'reason' in transition ? transition.reason : null,
    transition.to === 'PENDING' ? transition.dueAt : now,
    Math.max(delivery.attempts, attempt?.number ?? 0),
    attempt === undefined ? null : toAttemptRow(attempt, body),
  ];
}

export function toLaneRow({ webhookId, health, disable, now }: LaneChange): LaneRow {
  return [webhookId, health.failingSince, health.trips, health.openUntil, disable ?? null, now];
}

function toAttemptRow({ number, outcome }: Attempt, body: Uint8Array): AttemptRow {
  const { startedAt, durationMs } = outcome;
  if (outcome.kind === 'failed') {
    return [number, startedAt, durationMs, null, null, null, 0, outcome.errorClass, outcome.message];
  }
  const { status, headers, truncated } = outcome;
  return [
    number,
    startedAt,
    durationMs,
    status,
    JSON.stringify(headers),
    body,
    truncated ? 1 : 0,
    null,
    null,
  ];
}

export function fromAttemptRow(row: AttemptRow): Attempt {
  const [number, startedAt, durationMs, status, headers, body, truncated, errorClass, message] = row;
  const outcome: Outcome =
    status === null
      ? {
          kind: 'failed',
          errorClass: errorClass ?? 'PROTOCOL',
          message: message ?? '',
          startedAt,
          durationMs,
        }
      : {
          kind: 'answered',
          status,
          headers: JSON.parse(headers ?? '{}'),
          body: body ?? new Uint8Array(),
          truncated: truncated === 1,
          startedAt,
          durationMs,
        };
  return { number, outcome };
}

export function fromDeliveryRow(row: DeliveryRow): Delivery {
  const [id, namespace, webhookId, eventId, state, reason, attemptCount, dueAt, nominalAt, createdAt] = row;
  const finishedAt = row[10];
  return {
    id,
    namespace,
    webhookId,
    eventId,
    state: STATES[state]!,
    ...(reason !== null && { reason }),
    attemptCount,
    ...(dueAt !== null && { dueAt }),
    ...(nominalAt !== null && { nominalAt }),
    createdAt,
    ...(finishedAt !== null && { finishedAt }),
  };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function fromBase64(text: string): Uint8Array {
  // A copy: Buffer's own memory is shared with other buffers.
  return new Uint8Array(Buffer.from(text, 'base64'));
}
