/** Between the domain's nouns and the tuples that cross to the worker. */
import type { Attempt, Outcome } from '../../domain/attempt.ts';
import type { Delivery, DeliveryState, EndingReason, WaitingDelivery } from '../../domain/delivery.ts';
import type { DeliveryFormat, Event, EventBody, Rendered } from '../../domain/event.ts';
import type { Payload } from '../../domain/template.ts';
import type { Webhook, WebhookSpec } from '../../domain/webhook.ts';
import type { LaneChange, NewDelivery, Settlement } from '../store.ts';
import {
  type AttemptRow,
  CANCELLED,
  type DeliveryRow,
  type EndingCode,
  type EventRow,
  FAILED,
  type FormatCode,
  type LaneRow,
  type NewDeliveryRow,
  PENDING,
  type RenderedRow,
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
    webhook.filterFailures,
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
    filterFailures: row[19],
    createdAt: row[14],
    updatedAt: row[15],
    version: row[16],
  };
}

/** A spec in which payload bytes, the one thing that JSON cannot say, are base64. */
type WrittenSpec = Omit<WebhookSpec, 'payload'> & {
  readonly payload?: Omit<Payload, 'body'> & { readonly body?: WrittenBody };
};
type WrittenBody =
  | Exclude<Payload['body'], { kind: 'data' } | undefined>
  | { readonly kind: 'data'; readonly base64: string };

export function encodeSpec({ payload, ...spec }: WebhookSpec): string {
  if (payload?.body?.kind !== 'data') return JSON.stringify({ ...spec, payload });
  const body: WrittenBody = { kind: 'data', base64: toBase64(payload.body.data) };
  return JSON.stringify({ ...spec, payload: { ...payload, body } } satisfies WrittenSpec);
}

export function decodeSpec(text: string): WebhookSpec {
  const { payload, ...spec }: WrittenSpec = JSON.parse(text);
  if (payload === undefined) return spec;
  const { body, ...rest } = payload;
  if (body === undefined) return { ...spec, payload: rest };
  const read = 'base64' in body ? { kind: body.kind, data: fromBase64(body.base64) } : body;
  return { ...spec, payload: { ...rest, body: read } };
}

export function toEventRow(event: Event, body: Uint8Array): EventRow {
  return [
    event.id,
    event.namespace,
    event.callerId ?? null,
    event.type,
    event.source ?? null,
    event.subject ?? null,
    event.time,
    event.nominalAt ?? null,
    event.contentType,
    encodeHeaders(event.headers),
    event.createdAt,
    body,
  ];
}

export function fromEventRow(row: EventRow): EventBody {
  const [id, , callerId, type, source, subject, time, nominalAt, contentType, headers, createdAt, body] = row;
  return {
    id,
    ...(callerId !== null && { callerId }),
    type,
    ...(source !== null && { source }),
    ...(subject !== null && { subject }),
    time,
    ...(nominalAt !== null && { nominalAt }),
    contentType,
    body,
    headers: decodeHeaders(headers),
    createdAt,
  };
}

/** None are written as NULL: most events have none. */
function encodeHeaders(headers: Readonly<Record<string, string>>): string | null {
  for (const _ in headers) return JSON.stringify(headers);
  return null;
}

function decodeHeaders(text: string | null): Readonly<Record<string, string>> {
  return text === null ? {} : JSON.parse(text);
}

/** By their codes. */
const ENDINGS: readonly (EndingReason | undefined)[] = [undefined, 'SUPERSEDED', 'REQUESTED', 'PURGED'];
const FORMATS: readonly DeliveryFormat[] = [
  'BODY',
  'ENVELOPE',
  'CLOUDEVENTS_BINARY',
  'CLOUDEVENTS_STRUCTURED',
  'RENDERED',
];

export function endingCode(ending: EndingReason): EndingCode {
  return ENDINGS.indexOf(ending) as EndingCode;
}

export function fromWaitingRow(row: WaitingRow): WaitingDelivery {
  const [ord, id, webhookId, eventId, dueAt, attempts, attemptsBefore, endingCode, format, rendered] = row;
  const ending = ENDINGS[endingCode];
  return {
    ord,
    id,
    webhookId,
    eventId,
    dueAt,
    attempts,
    attemptsBefore,
    ...(ending && { ending }),
    format: FORMATS[format]!,
    rendered: rendered === 1,
  };
}

/** `body` is a copy of what was rendered, if that was a body, which may cross to the worker. */
export function toNewDeliveryRow(
  { id, webhookId, format, rendered }: NewDelivery,
  body: Uint8Array | null,
): NewDeliveryRow {
  const code = FORMATS.indexOf(format) as FormatCode;
  if (rendered === undefined) return [id, webhookId, code, null];
  return [id, webhookId, code, [JSON.stringify(rendered.headers), rendered.contentType ?? null, body]];
}

export function fromRenderedRow([headers, contentType, body]: RenderedRow): Rendered {
  return {
    ...(body !== null && { body }),
    ...(contentType !== null && { contentType }),
    headers: JSON.parse(headers),
  };
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

function toAttemptRow({ number, requestHeaders, outcome }: Attempt, body: Uint8Array): AttemptRow {
  const { startedAt, durationMs } = outcome;
  const sent = JSON.stringify(requestHeaders);
  const timing = JSON.stringify(outcome.timing);
  const address = outcome.remoteAddress ?? null;
  if (outcome.kind === 'failed') {
    const { errorClass, message } = outcome;
    return [number, startedAt, durationMs, null, null, null, 0, errorClass, message, sent, timing, address];
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
    sent,
    timing,
    address,
  ];
}

export function fromAttemptRow(row: AttemptRow): Attempt {
  const [number, startedAt, durationMs, status, headers, body, truncated, errorClass, message] = row;
  const [sent, timing, remoteAddress] = row.slice(9) as [string, string | null, string | null];
  const tried = {
    startedAt,
    durationMs,
    timing: JSON.parse(timing ?? '{}'),
    ...(remoteAddress !== null && { remoteAddress }),
  };
  const outcome: Outcome =
    status === null
      ? { kind: 'failed', errorClass: errorClass ?? 'PROTOCOL', message: message ?? '', ...tried }
      : {
          kind: 'answered',
          status,
          headers: JSON.parse(headers ?? '{}'),
          body: body ?? new Uint8Array(),
          truncated: truncated === 1,
          ...tried,
        };
  return { number, requestHeaders: JSON.parse(sent), outcome };
}

/** `DeliveryRow` from the time of its end on. */
type Tail = [
  finishedAt: number | null,
  eventType: string,
  lastStatus: number | null,
  replayOf: string | null,
];

export function fromDeliveryRow(row: DeliveryRow): Delivery {
  const [id, namespace, webhookId, eventId, state, reason, attemptCount, dueAt, nominalAt, createdAt] = row;
  const [finishedAt, eventType, lastStatus, replayOf] = row.slice(10) as Tail;
  return {
    id,
    namespace,
    webhookId,
    eventId,
    eventType,
    state: STATES[state]!,
    ...(reason !== null && { reason }),
    attemptCount,
    ...(dueAt !== null && { dueAt }),
    ...(nominalAt !== null && { nominalAt }),
    createdAt,
    ...(finishedAt !== null && { finishedAt }),
    ...(lastStatus !== null && { lastStatus }),
    ...(replayOf !== null && { replayOf }),
  };
}

function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function fromBase64(text: string): Uint8Array {
  // A copy: Buffer's own memory is shared with other buffers.
  return new Uint8Array(Buffer.from(text, 'base64'));
}
