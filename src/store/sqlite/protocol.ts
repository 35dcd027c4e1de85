/**
 * What the two threads say to each other. Rows are tuples and not objects: a structured clone writes
 * an object's keys again for each object, which costs more than the values.
 */
import type { ErrorClass } from '../../domain/attempt.ts';
import type { CancelledReason, FailedReason } from '../../domain/delivery.ts';
import type { OverlapPolicy } from '../../domain/schedule.ts';
import type { DisabledReason, WebhookState } from '../../domain/webhook.ts';

export type Flag = 0 | 1;

/** How states of deliveries are written; also what `deliveries.state` holds. */
export const PENDING = 0;
export const SUCCEEDED = 1;
export const FAILED = 2;
export const CANCELLED = 3;
export type StateCode = typeof PENDING | typeof SUCCEEDED | typeof FAILED | typeof CANCELLED;

/** Places in `ENDINGS` and `FORMATS` of `rows.ts`; 0 says that a delivery is not ending. */
export const SUPERSEDED = 1;
export const REQUESTED = 2;
export const PURGED = 3;
export type EndingCode = 0 | typeof SUPERSEDED | typeof REQUESTED | typeof PURGED;
export type FormatCode = 0 | 1 | 2 | 3 | 4;

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

export type UpdateRow = [
  webhook: WebhookRow,
  ifVersion: number,
  /** Undefined leaves the cursor alone. */
  cursorFrom: [nominalAt: number | null, fired: number, skipped: number] | undefined,
  resetHealth: Flag,
];

export type RemovalRow = [id: string, now: number, ifVersion: number | null];

export type WebhookFilter = [
  namespace: string,
  after: string,
  limit: number,
  name: string | null,
  state: WebhookState | null,
  labels: string,
];

export type EventRow = [
  id: string,
  namespace: string,
  callerId: string | null,
  type: string,
  source: string | null,
  subject: string | null,
  time: number,
  nominalAt: number | null,
  contentType: string,
  headers: string | null,
  createdAt: number,
  body: Uint8Array,
];

export type NewDeliveryRow = [
  id: string,
  webhookId: string,
  format: FormatCode,
  rendered: RenderedRow | null,
];

export type RenderedRow = [headers: string, contentType: string | null, body: Uint8Array | null];

export type PublicationRow = [
  event: EventRow,
  dueAt: number,
  run: Flag,
  deliveries: NewDeliveryRow[],
  remember: [digest: string, until: number] | null,
  /** Webhooks whose filter failed. */
  failures: readonly string[] | null,
];

/** The number of deliveries made, one of the codes below, or what is known of the first event of that name. */
export type PublishCode = number | [eventId: string, deliveries: number];
export const CONFLICT = -1;
export const FULL_NAMESPACE = -2;
export const FULL_ALL = -3;

export type FiringRow = [
  webhookId: string,
  version: number,
  from: number,
  to: [anchorAt: number, nominalAt: number | null, dueAt: number | null, fired: number, skipped: number],
  overlap: OverlapPolicy,
  now: number,
  events: EventRow[],
  deliveries: NewDeliveryRow[],
];

export type WaitingRow = [
  ord: number,
  id: string,
  webhookId: string,
  eventId: string,
  dueAt: number,
  attempts: number,
  attemptsBefore: number,
  ending: EndingCode,
  format: FormatCode,
  rendered: Flag,
];

export type AttemptRow = [
  number: number,
  startedAt: number,
  durationMs: number,
  status: number | null,
  headers: string | null,
  body: Uint8Array | null,
  truncated: Flag,
  errorClass: ErrorClass | null,
  message: string | null,
  sent: string,
  timing: string | null,
  address: string | null,
];

export type SettlementRow = [
  ord: number,
  id: string,
  webhookId: string,
  to: StateCode,
  reason: FailedReason | CancelledReason | null,
  /** When the next attempt is due if `to` is PENDING, else when it was finished. */
  at: number,
  /** Attempts made, this one included. */
  attempts: number,
  attempt: AttemptRow | null,
];

export type LaneRow = [
  webhookId: string,
  failingSince: number | null,
  trips: number,
  openUntil: number | null,
  disable: DisabledReason | null,
  now: number,
];

export type DeliveryRow = [
  id: string,
  namespace: string,
  webhookId: string,
  eventId: string,
  state: StateCode,
  reason: FailedReason | CancelledReason | null,
  attempts: number,
  dueAt: number | null,
  nominalAt: number | null,
  createdAt: number,
  finishedAt: number | null,
  eventType: string,
  lastStatus: number | null,
  replayOf: string | null,
];

export type DeliveryFilter = [
  namespace: string,
  before: string,
  limit: number,
  webhookId: string | null,
  state: StateCode | null,
];

/** Every verb that crosses to the worker: what it is given and what it answers. */
export interface Shapes {
  createWebhooks: { args: WebhookRow[]; answer: ('CREATED' | 'EXISTS')[] };
  updateWebhooks: { args: UpdateRow[]; answer: ('UPDATED' | 'STALE' | 'EXISTS' | 'NOT_FOUND')[] };
  getWebhooks: { args: readonly string[]; answer: (WebhookRow | undefined)[] };
  findWebhook: {
    args: [namespace: string, name: string, destination: string];
    answer: WebhookRow | undefined;
  };
  listWebhooks: { args: WebhookFilter; answer: WebhookRow[] };
  removeWebhooks: { args: RemovalRow[]; answer: ('REMOVED' | 'STALE' | 'NOT_FOUND')[] };
  /** `ords` has one for each delivery of what was PUBLISHED, in order; 0 if it was left out. */
  publish: { args: PublicationRow[]; answer: { results: PublishCode[]; ords: number[] } };
  matchWebhooks: { args: [namespace: string, type: string][]; answer: string[][] };
  upcomingRuns: {
    args: [before: number, limit: number, afterDueAt: number, afterId: string];
    answer: [webhookId: string, dueAt: number][];
  };
  /** `ords` has one for each run of what was FIRED, in order; 0 if it was left out. */
  fireRuns: {
    args: FiringRow[];
    answer: { results: ('FIRED' | 'SKIPPED' | 'STALE')[]; ords: number[]; ending: WaitingRow[] };
  };
  waitingLanes: { args: [after: string, limit: number]; answer: [webhookId: string, dueAt: number][] };
  topUp: {
    args: [webhookId: string, limit: number, ordered: Flag][];
    answer: { rows: WaitingRow[]; more: number | null }[];
  };
  getEventBodies: { args: readonly string[]; answer: (EventRow | undefined)[] };
  getRendered: { args: readonly string[]; answer: (RenderedRow | undefined)[] };
  settle: {
    args: { rows: SettlementRow[]; lanes: LaneRow[] };
    answer: { results: ('SETTLED' | 'GONE')[]; disabled: string[] };
  };
  listDeliveries: { args: DeliveryFilter; answer: DeliveryRow[] };
  getDelivery: { args: string; answer: { row: DeliveryRow; attempts: AttemptRow[] } | undefined };
  sweep: { args: number; answer: number };
}

export type Verb = keyof Shapes;
export type Args<V extends Verb> = Shapes[V]['args'];
export type Answer<V extends Verb> = Shapes[V]['answer'];

/** The verbs, as the worker's nouns implement them. Each throws to change nothing. */
export type Verbs = { [V in Verb]: (args: Args<V>) => Answer<V> };

/** Verbs that write nothing: they need no transaction. */
export const READS: ReadonlySet<Verb> = new Set<Verb>([
  'getWebhooks',
  'findWebhook',
  'listWebhooks',
  'upcomingRuns',
  'waitingLanes',
  'topUp',
  'matchWebhooks',
  'getEventBodies',
  'getRendered',
  'listDeliveries',
  'getDelivery',
]);

/** One call of a verb. */
export type Call<V extends Verb = Verb> = readonly [verb: V, args: Args<V>];

/** What the worker is told: calls to answer after one commit, or to let the database go. */
export type Request = { readonly calls: readonly Call[] } | 'close';

/** What became of one call. */
export type Reply =
  | { readonly ok: true; readonly answer: Answer<Verb> }
  | { readonly ok: false; readonly failure: Failure };

/** `UNAVAILABLE`: the database could not do it now. `FAULT`: a mistake in the program. */
export interface Failure {
  readonly kind: 'UNAVAILABLE' | 'FAULT';
  readonly message: string;
}

/** What the worker says: first whether it could open the database, then replies in the order of calls. */
export type Response =
  | { readonly kind: 'opened' }
  | { readonly kind: 'refused'; readonly message: string }
  | { readonly kind: 'replies'; readonly replies: readonly Reply[] };
