/** Between deliveries and their rows. */
import type {
  CancelledReason,
  Delivery,
  DeliveryChange,
  DeliveryState,
  FailedReason,
  WaitingDelivery,
} from '../../domain/delivery/delivery.ts';
import type { TypePattern } from '../../domain/event/match.ts';
import type { DeliveryQuery, EventQuery } from '../delivery-log.ts';
import type { Settlement, Surplus } from '../delivery-queue.ts';
import type { NewDelivery } from '../intake.ts';
import { fromAttemptRow, toAttemptRow } from './attempt.ts';
import { NO_BYTES, type Packed } from './bytes.ts';
import {
  CANCELLED,
  ENDINGS,
  FAILED,
  FORMATS,
  HELD,
  IS_RENDERED,
  PENDING,
  REASONS,
  type StateCode,
  SUCCEEDED,
  TO_RENDER,
} from './codes.ts';
import type { DeliveryFilter, EventFilter, Span, TypeFilter } from './filters.ts';
import type { LongRowOf } from './layout.ts';
import type { SettlementRow } from './messages.ts';
import { CHANGE, type ChangeRow, DELIVERY, SURPLUS, type SurplusRow, WAITING } from './tables.ts';

const STATE_CODES: Readonly<Record<DeliveryState, StateCode>> = { PENDING, SUCCEEDED, FAILED, CANCELLED };
const STATES: readonly DeliveryState[] = ['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED'];

/** A delivery that has just come in. */
export function fresh(ord: number, delivery: NewDelivery, eventId: string, due: Due): WaitingDelivery {
  const { id, webhookId, format, toRender } = delivery;
  const rendered = delivery.rendered !== undefined;
  const made = { format, rendered, ...(toRender && { toRender }) };
  return { ord, id, webhookId, eventId, ...due, attempts: 0, attemptsBefore: 0, ...made };
}

export type Due = Pick<WaitingDelivery, 'dueAt' | 'firstDueAt'>;

export function fromSurplusRow(row: SurplusRow): Surplus {
  const { at } = SURPLUS;
  return {
    delivery: fromWaitingRow(row),
    eventType: row[at.eventType],
    publicEventId: row[at.publicEventId],
  };
}

export function fromWaitingRow(row: LongRowOf<typeof WAITING>): WaitingDelivery {
  const { at } = WAITING;
  const ending = ENDINGS[row[at.ending]];
  const replayOf = row[at.replayOf];
  return {
    ord: row[at.ord],
    id: row[at.id],
    webhookId: row[at.webhookId],
    eventId: row[at.eventId],
    dueAt: row[at.dueAt] === HELD ? Number.POSITIVE_INFINITY : row[at.dueAt],
    firstDueAt: row[at.firstDueAt],
    attempts: row[at.attempts],
    attemptsBefore: row[at.attemptsBefore],
    ...(ending && { ending }),
    format: FORMATS[row[at.format]]!,
    rendered: row[at.rendered] === IS_RENDERED,
    ...(row[at.rendered] === TO_RENDER && { toRender: true }),
    ...(replayOf !== null && { replayOf }),
  };
}

/** The bytes that a settlement carries: the body of the answer, if there was one. */
export function answerBody({ attempt }: Settlement): Uint8Array {
  return attempt?.outcome.kind === 'answered' ? attempt.outcome.body : NO_BYTES;
}

/** Takes a copy of the answer's body. */
export function toSettlementRow(
  { delivery, attempt, transition, now }: Settlement,
  packed: Packed,
): SettlementRow {
  const body = packed.take();
  return [
    delivery.ord,
    delivery.id,
    delivery.webhookId,
    STATE_CODES[transition.to],
    'reason' in transition ? REASONS.indexOf(transition.reason) : 0,
    transition.to === 'PENDING' ? transition.dueAt : now,
    Math.max(delivery.attempts, attempt?.number ?? 0),
    delivery.attemptsBefore + ('free' in transition ? 1 : 0),
    attempt?.outcome.kind === 'answered' ? attempt.outcome.status : 0,
    attempt === undefined ? null : toAttemptRow(attempt, delivery.id, body),
    ENDINGS.indexOf(delivery.ending),
    (transition.to === 'FAILED' && transition.message) || null,
  ];
}

export function fromDeliveryRow(row: LongRowOf<typeof DELIVERY>): Delivery {
  const { at } = DELIVERY;
  const state = STATES[row[at.state]]!;
  const reason = REASONS[row[at.reason]] as FailedReason | CancelledReason | undefined;
  const webhookCallerId = row[at.webhookCallerId];
  const webhookName = row[at.webhookName];
  const nominalAt = row[at.nominalAt];
  const lastStatus = row[at.lastStatus];
  const replayOf = row[at.replayOf];
  const message = row[at.message];
  return {
    id: row[at.id],
    namespace: row[at.namespace],
    webhookId: row[at.webhookId],
    ...(webhookCallerId !== null && { webhookCallerId }),
    ...(webhookName !== null && { webhookName }),
    eventId: row[at.eventId],
    eventType: row[at.eventType],
    state,
    ...(reason && { reason }),
    ...(message !== null && { message }),
    attemptCount: row[at.attempts],
    ...(state === 'PENDING' && row[at.at] !== HELD && { dueAt: row[at.at] }),
    ...(nominalAt !== null && { nominalAt }),
    createdAt: row[at.createdAt],
    ...(state !== 'PENDING' && { finishedAt: row[at.at] }),
    ...(lastStatus !== 0 && { lastStatus }),
    ...(replayOf !== null && { replayOf }),
  };
}

export function fromChangeRow(row: ChangeRow): DeliveryChange {
  const { at } = CHANGE;
  const delivery = fromDeliveryRow(row);
  const [number, facts] = [row[at.number], row[at.facts]];
  if (number === null || facts === null) return { seq: row[at.seq], delivery };
  const attempt = fromAttemptRow([number, facts, row[at.headers], null], delivery.id);
  return { seq: row[at.seq], delivery, attempt };
}

export function toDeliveryFilter(query: DeliveryQuery): DeliveryFilter {
  const { namespace, webhookId, state, eventId, eventType, lastStatus } = query;
  return {
    ...toSpan(query, eventType),
    namespace,
    webhookId,
    states: state === undefined ? undefined : [state].flat().map((each) => STATE_CODES[each]),
    eventId,
    status: lastStatus,
  };
}

export function toEventFilter(query: EventQuery): EventFilter {
  const { namespace, type } = query;
  return { ...toSpan(query, type), namespace };
}

function toSpan(query: DeliveryQuery | EventQuery, type: TypePattern | undefined): Span {
  const { ascending = false, before, after, limit, since, until, where } = query;
  return {
    ascending,
    from: ascending ? after : before,
    limit,
    since: since ?? Number.MIN_SAFE_INTEGER,
    until: until ?? Number.MAX_SAFE_INTEGER,
    type: type && toTypeFilter(type),
    where,
  };
}

function toTypeFilter(pattern: TypePattern): TypeFilter {
  return 'exact' in pattern ? { text: pattern.exact, exact: true } : { text: pattern.prefix, exact: false };
}
