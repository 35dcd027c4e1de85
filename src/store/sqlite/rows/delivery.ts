/** Between deliveries and their rows. */
import type {
  CancelledReason,
  Delivery,
  DeliveryChange,
  DeliveryState,
  FailedReason,
  WaitingDelivery,
} from '../../../domain/delivery/delivery.ts';
import type { DeliveryQuery, EventQuery, TypePattern } from '../../delivery-log.ts';
import type { Settlement } from '../../delivery-queue.ts';
import type { NewDelivery } from '../../intake.ts';
import type { DeliveryFilter, EventFilter, SettlementRow, Span, TypeFilter } from '../protocol.ts';
import { fromAttemptRow, toAttemptRow } from './attempt.ts';
import type { Packed } from './bytes.ts';
import {
  CANCELLED,
  type ChangeRow,
  type DeliveryRow,
  ENDINGS,
  FAILED,
  FORMATS,
  PENDING,
  REASONS,
  type StateCode,
  SUCCEEDED,
  type WaitingRow,
} from './tuples.ts';

const STATE_CODES: Readonly<Record<DeliveryState, StateCode>> = { PENDING, SUCCEEDED, FAILED, CANCELLED };
const STATES: readonly DeliveryState[] = ['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED'];
const NO_BYTES = new Uint8Array();

/** A delivery that has just come in. */
export function fresh(ord: number, delivery: NewDelivery, eventId: string, dueAt: number): WaitingDelivery {
  const { id, webhookId, format, rendered } = delivery;
  const isRendered = rendered !== undefined;
  return { ord, id, webhookId, eventId, dueAt, attempts: 0, attemptsBefore: 0, format, rendered: isRendered };
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
    attempt?.outcome.kind === 'answered' ? attempt.outcome.status : 0,
    attempt === undefined ? null : toAttemptRow(attempt, delivery.id, body),
    ENDINGS.indexOf(delivery.ending),
  ];
}

export function fromDeliveryRow(row: DeliveryRow): Delivery {
  const [id, namespace, webhookId, eventId, eventType, code, reasonCode, attemptCount, at, nominalAt] = row;
  const [, , , , , , , , , , createdAt, lastStatus, replayOf] = row;
  const state = STATES[code]!;
  const reason = REASONS[reasonCode] as FailedReason | CancelledReason | undefined;
  return {
    id,
    namespace,
    webhookId,
    eventId,
    eventType,
    state,
    ...(reason && { reason }),
    attemptCount,
    ...(state === 'PENDING' && { dueAt: at }),
    ...(nominalAt !== null && { nominalAt }),
    createdAt,
    ...(state !== 'PENDING' && { finishedAt: at }),
    ...(lastStatus !== 0 && { lastStatus }),
    ...(replayOf !== null && { replayOf }),
  };
}

export function fromChangeRow([seq, row, attempt]: ChangeRow): DeliveryChange {
  const delivery = fromDeliveryRow(row);
  return { seq, delivery, ...(attempt && { attempt: fromAttemptRow(attempt, delivery.id) }) };
}

export function toDeliveryFilter(query: DeliveryQuery): DeliveryFilter {
  const { namespace, webhookId, state, eventId, eventType, lastStatus } = query;
  return {
    ...toSpan(query, eventType),
    namespace,
    webhookId,
    state: state && STATE_CODES[state],
    eventId,
    status: lastStatus,
  };
}

export function toEventFilter(query: EventQuery): EventFilter {
  const { namespace, type } = query;
  return { ...toSpan(query, type), namespace };
}

function toSpan(query: DeliveryQuery | EventQuery, type: TypePattern | undefined): Span {
  const { ascending = false, before, after, limit, since, until } = query;
  return {
    ascending,
    from: ascending ? after : before,
    limit,
    since: since ?? Number.MIN_SAFE_INTEGER,
    until: until ?? Number.MAX_SAFE_INTEGER,
    type: type && toTypeFilter(type),
  };
}

function toTypeFilter(pattern: TypePattern): TypeFilter {
  return 'exact' in pattern ? { text: pattern.exact, exact: true } : { text: pattern.prefix, exact: false };
}
