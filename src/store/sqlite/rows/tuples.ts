/**
 * Rows as they cross between the threads. They are tuples and not objects: a structured clone writes an
 * object's keys again for each object, which costs more than the values.
 */
import type { DisabledReason, WebhookState } from '../../../domain/webhook/webhook.ts';

export type Flag = 0 | 1;

/** How states of deliveries are written. */
export const PENDING = 0;
export const SUCCEEDED = 1;
export const FAILED = 2;
export const CANCELLED = 3;
export type StateCode = typeof PENDING | typeof SUCCEEDED | typeof FAILED | typeof CANCELLED;

/** How reasons of a state are written: places in `REASONS`; 0 is none. */
export const REASONS = [
  undefined,
  'EXHAUSTED',
  'REFUSED',
  'GONE',
  'REMOVED',
  'SUPERSEDED',
  'REQUESTED',
  'PURGED',
] as const;
export const REMOVED = 4;

/** How it is written why a delivery is ending: places in `ENDINGS`; 0 says that it is not. */
export const ENDINGS = [undefined, 'SUPERSEDED', 'REQUESTED', 'PURGED'] as const;
export const SUPERSEDED = 1;
export const REQUESTED = 2;
export const PURGED = 3;

/** How formats are written: places in `FORMATS`. */
export const FORMATS = [
  'BODY',
  'ENVELOPE',
  'CLOUDEVENTS_BINARY',
  'CLOUDEVENTS_STRUCTURED',
  'RENDERED',
] as const;

export type WebhookRow = [
  id: string,
  namespace: string,
  name: string,
  destination: string,
  state: WebhookState,
  stateReason: DisabledReason | null,
  anchorAt: number,
  nominalAt: number | null,
  dueAt: number | null,
  fired: number,
  skipped: number,
  failingSince: number | null,
  trips: number,
  openUntil: number | null,
  createdAt: number,
  updatedAt: number,
  version: number,
  secrets: string,
  spec: string,
  filterFailures: number,
];

export type EventRow = [
  id: string,
  callerId: string | null,
  namespace: string,
  type: string,
  source: string | null,
  subject: string | null,
  time: number,
  nominalAt: number | null,
  contentType: string,
  headers: string | null,
  createdAt: number,
  /** Null once it was erased. */
  body: Uint8Array | null,
];

export type EventRecordRow = [...EventRow, deliveries: number];

export type NewDeliveryRow = [id: string, webhookId: string, format: number, rendered: RenderedRow | null];

export type RenderedRow = [headers: string, contentType: string | null, body: Uint8Array | null];

export type WaitingRow = [
  ord: number,
  id: string,
  webhookId: string,
  eventId: string,
  dueAt: number,
  attempts: number,
  attemptsBefore: number,
  ending: number,
  format: number,
  rendered: Flag,
];

export type AttemptRow = [
  number: number,
  facts: string,
  headers: string | null,
  /** Null for none, or when it was erased. */
  body: Uint8Array | null,
];

export type DeliveryRow = [
  id: string,
  namespace: string,
  webhookId: string,
  eventId: string,
  eventType: string,
  state: StateCode,
  reason: number,
  attempts: number,
  /** When it is due or was finished. */
  at: number,
  nominalAt: number | null,
  createdAt: number,
  /** 0 for none. */
  lastStatus: number,
  replayOf: string | null,
];

export type ChangeRow = [seq: number, delivery: DeliveryRow, attempt: AttemptRow | null];
