/** The rows of which calls to the database's thread consist, where these are not rows of a table. */
import { isDeepStrictEqual } from 'node:util';
import type { FieldChanges } from '../../domain/webhook/changed-fields.ts';
import type { DisabledReason } from '../../domain/webhook/webhook.ts';
import type { OnOverlap } from '../intake.ts';
import type { Flag, RunCode, StateCode } from './codes.ts';
import { as, field, integer, layout, orNull, type RowOf, text } from './layout.ts';
import {
  type AttemptRow,
  CURSOR_FENCE,
  type CursorRow,
  type EventBodyRow,
  type EventRow,
  type HealthRow,
  type NamespaceRow,
  type RenderedRow,
  WEBHOOK,
  type WebhookRow,
} from './tables.ts';

export const UPDATE = layout(
  field('webhook', as<WebhookRow>()),
  field('ifVersion', integer),
  // Null leaves the cursor alone.
  field('cursorFrom', orNull(as<RowOf<typeof CURSOR_FENCE>>())),
  field('resetHealth', as<Flag>()),
  field('resetConsent', as<Flag>()),
  // Null where it does not matter.
  field('changed', orNull(as<FieldChanges>())),
);
export type UpdateRow = RowOf<typeof UPDATE>;

/** Whether an update was made of another version of the webhook, or its cursor has moved since. */
export function isStale(update: UpdateRow, stored: WebhookRow): boolean {
  const cursorFrom = update[UPDATE.at.cursorFrom];
  return (
    stored[WEBHOOK.at.version] !== update[UPDATE.at.ifVersion] ||
    (cursorFrom !== null && !isDeepStrictEqual(cursorFrom, CURSOR_FENCE.from(stored)))
  );
}

/** What is sent for a delivery. */
export type ContentRow = [event: EventBodyRow, format: number, rendered: RenderedRow | null];

export type NamespaceUpdateRow = [row: NamespaceRow, ifVersion: number, changed: readonly string[]];

export type RemovalRow = [id: string, now: number, ifVersion: number | null];

export const NEW_DELIVERY = layout(
  field('id', text),
  field('webhookId', text),
  field('format', integer),
  field('rendered', orNull(as<RenderedRow>())),
  field('toRender', as<Flag>()),
);
export type NewDeliveryRow = RowOf<typeof NEW_DELIVERY>;

export const PUBLICATION = layout(
  field('event', as<EventRow>()),
  field('dueAt', integer),
  field('firstDueAt', integer),
  field('run', as<Flag>()),
  field('deliveries', as<NewDeliveryRow[]>()),
  field('remember', orNull(as<Remembered>())),
  // Webhooks whose filter failed.
  field('failures', orNull(as<readonly string[]>())),
);
export type PublicationRow = RowOf<typeof PUBLICATION>;

/** What the caller's id of an event is remembered with. */
export type Remembered = readonly [digest: string, until: number];

/** The number of deliveries made, one of the codes below, or the first event with the caller's id. */
export type PublishCode = number | [eventId: string, deliveries: number];
export const CONFLICT = -1;
export const FULL = -2;
/** The namespace is suspended, or is being deleted or was. */
export const SUSPENDED_NAMESPACE = -3;
export const DELETED_NAMESPACE = -4;

export const REPLAY = layout(
  field('eventId', text),
  field('delivery', as<NewDeliveryRow>()),
  field('replayOf', orNull(text)),
  field('now', integer),
  field('firstDueAt', integer),
  // It may be there already.
  field('again', as<Flag>()),
);
export type ReplayRow = RowOf<typeof REPLAY>;

export const FIRING = layout(
  field('webhookId', text),
  field('version', integer),
  field('from', integer),
  field('to', as<CursorRow>()),
  field('overlap', as<OnOverlap['policy']>()),
  // The cursor if the runs are left out, and how many may wait where they take turns.
  field('skippedTo', orNull(as<CursorRow>())),
  field('waitingMax', orNull(integer)),
  field('now', integer),
  field('firstDueAt', integer),
  field('events', as<EventRow[]>()),
  // One for each of the events.
  field('deliveries', as<NewDeliveryRow[]>()),
);
export type FiringRow = RowOf<typeof FIRING>;

/** A cursor that is computed anew. */
export const MOVE = layout(
  field('webhookId', text),
  field('version', integer),
  // Null where it had no run to come.
  field('from', orNull(integer)),
  field('to', as<CursorRow>()),
);
export type MoveRow = RowOf<typeof MOVE>;

export const BACKFILL = layout(
  field('webhookId', text),
  field('version', integer),
  // The queue in which they take turns; 0 for none.
  field('queue', as<RunCode>()),
  field('waitingMax', integer),
  field('now', integer),
  field('firstDueAt', integer),
  field('events', as<EventRow[]>()),
  // One for each of the events.
  field('deliveries', as<NewDeliveryRow[]>()),
);
export type BackfillRow = RowOf<typeof BACKFILL>;

export const SETTLEMENT = layout(
  field('ord', integer),
  field('id', text),
  field('webhookId', text),
  field('to', as<StateCode>()),
  field('reason', integer),
  // When the next attempt is due if `to` is PENDING, else when it was finished.
  field('at', integer),
  // Attempts made, this one included.
  field('attempts', integer),
  // Those that do not count.
  field('attemptsBefore', integer),
  // The status code of the answer; 0 when there was none.
  field('status', integer),
  field('attempt', orNull(as<AttemptRow>())),
  // Why it was to be given up, as far as the dispatcher knows.
  field('ending', integer),
  // What kept it from being sent, in words.
  field('message', orNull(text)),
);
export type SettlementRow = RowOf<typeof SETTLEMENT>;

/** What was made for a delivery when it had its turn. */
export const MADE = layout(
  field('ord', integer),
  field('id', text),
  field('format', integer),
  field('rendered', orNull(as<RenderedRow>())),
);
export type MadeRow = RowOf<typeof MADE>;

export const LANE = layout(
  field('webhookId', text),
  field('version', integer),
  field('health', as<HealthRow>()),
  field('disable', orNull(as<DisabledReason>())),
  field('now', integer),
);
export type LaneRow = RowOf<typeof LANE>;

/** The last attempt for a webhook. `delivery` is an id; null once it is no longer kept. */
export type LastAttemptRow = readonly [at: number, status: number, delivery: string | null];

/** A delivery that a caller wants something of. */
export type OrderRow = [namespace: string, id: string, now: number, finishedBy: number | null];

/** A call that its caller named. */
/** The first digest is remembered; the others are what may be, from before. */
export type ClaimRow = [
  namespace: string,
  id: string,
  digests: readonly string[],
  now: number,
  until: number,
];
export type AnswerRow = [namespace: string, id: string, answer: Uint8Array];
