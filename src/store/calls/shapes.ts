/** What an adapter is asked for: each verb of the port as rows, and the rows that it answers with. */
import type { StandbyReason } from '../../domain/standby.ts';
import type { Retried } from '../delivery-log.ts';
import type { Flag } from '../rows/codes.ts';
import type { AuditFilter, DeliveryFilter, EventFilter, Listed, WebhookFilter } from '../rows/filters.ts';
import type {
  AnswerRow,
  BackfillRow,
  ClaimRow,
  ContentRow,
  FiringRow,
  LaneRow,
  LastAttemptRow,
  MadeRow,
  MoveRow,
  NamespaceUpdateRow,
  OrderRow,
  PublicationRow,
  PublishCode,
  RemovalRow,
  ReplayRow,
  SettlementRow,
  UpdateRow,
} from '../rows/messages.ts';
import type {
  ApiKeyRow,
  AttemptRow,
  AuditRow,
  ChangeRow,
  DeliveryRow,
  EventBodyRow,
  EventRecordRow,
  NamespaceKeyRow,
  NamespaceRow,
  RenderedRow,
  RingingRow,
  StandbyRow,
  SurplusRow,
  WaitingRow,
  WebhookRow,
} from '../rows/tables.ts';
import type { MovingShapes } from './moving-shapes.ts';
import type { SealingShapes } from './sealing-shapes.ts';

/** Every verb that an adapter has: what it is given and what it answers. */
export interface Shapes extends SealingShapes, MovingShapes {
  createNamespaces: { args: NamespaceRow[]; answer: ('CREATED' | 'EXISTS' | 'FULL')[] };
  updateNamespaces: {
    args: NamespaceUpdateRow[];
    answer: ('UPDATED' | 'STALE' | 'NOT_FOUND')[];
  };
  getNamespaces: { args: readonly string[]; answer: (NamespaceRow | undefined)[] };
  listNamespaces: { args: [after: string, limit: number]; answer: NamespaceRow[] };
  namespaceUsage: {
    args: readonly string[];
    answer: [webhooks: number, waiting: number, longestLane: number][];
  };
  createWebhooks: { args: WebhookRow[]; answer: ('CREATED' | 'EXISTS' | 'FULL' | 'SHUT')[] };
  updateWebhooks: { args: UpdateRow[]; answer: ('UPDATED' | 'STALE' | 'EXISTS' | 'NOT_FOUND')[] };
  getWebhooks: { args: readonly string[]; answer: (RingingRow | undefined)[] };
  resolveWebhooks: { args: readonly [namespace: string, id: string][]; answer: (WebhookRow | undefined)[] };
  findWebhook: {
    args: [namespace: string, name: string, destination: string];
    answer: WebhookRow | undefined;
  };
  unverifiedWebhooks: { args: number; answer: WebhookRow[] };
  dueConsents: { args: [now: number, limit: number]; answer: RingingRow[] };
  keepConsents: {
    args: [id: string, consent: string | null, dueAt: number | null, since: number][];
    answer: boolean[];
  };
  listWebhooks: { args: WebhookFilter; answer: Listed<WebhookRow> };
  /** Null where there is no such webhook. */
  getTraffic: {
    args: readonly string[];
    answer: ([waiting: number, last: LastAttemptRow | null] | null)[];
  };
  removeWebhooks: {
    args: RemovalRow[];
    answer: { results: ('REMOVED' | 'STALE' | 'NOT_FOUND')[]; cancelled: number };
  };
  /** `ords` has one for each delivery of what was PUBLISHED, in order; 0 if it was left out. */
  publish: { args: PublicationRow[]; answer: { results: PublishCode[]; ords: number[] } };
  matchWebhooks: { args: [namespace: string, type: string][]; answer: string[][] };
  /** `ords` has one for each that was REPLAYED; 0 if it was there already. */
  replay: {
    args: ReplayRow[];
    answer: { results: ('REPLAYED' | 'GONE' | 'FULL')[]; ords: number[] };
  };
  upcomingRuns: {
    args: [before: number, limit: number, afterDueAt: number, afterId: string];
    answer: [webhookId: string, dueAt: number][];
  };
  /**
   * `ords` has one for each run of what was FIRED or KNOWN, in order: 0 if it was there, negative if it is held;
   * `held` has the rows of those.
   */
  fireRuns: {
    args: FiringRow[];
    answer: { results: FireCode[]; ords: number[]; held: WaitingRow[]; ending: WaitingRow[] };
  };
  cursorsToRenew: {
    args: [movedAfter: number, zoneRules: string, afterDueAt: number, afterId: string];
    answer: { ids: string[]; next: [webhookId: string, dueAt: number] | null };
  };
  moveCursors: { args: MoveRow[]; answer: ('MOVED' | 'STALE')[] };
  /** `ords` has one for each run that was FIRED, in order: negative if it is held; `held` has the rows of those. */
  backfillRuns: {
    args: BackfillRow[];
    answer: { results: ('STALE' | ('FIRED' | 'KNOWN' | 'FULL')[])[]; ords: number[]; held: WaitingRow[] };
  };
  waitingLanes: { args: [after: string, limit: number]; answer: [webhookId: string, dueAt: number][] };
  topUp: {
    args: [webhookId: string, limit: number, ordered: Flag][];
    answer: { rows: WaitingRow[]; more: number | null }[];
  };
  getEventBodies: { args: readonly string[]; answer: (EventBodyRow | undefined)[] };
  getRendered: { args: readonly string[]; answer: (RenderedRow | undefined)[] };
  overflowing: { args: number; answer: OverflowingRow[] };
  surplus: { args: [webhookId: string, limit: number][]; answer: SurplusRow[][] };
  keepMade: { args: MadeRow[]; answer: null };
  settle: {
    args: { rows: SettlementRow[]; lanes: LaneRow[] };
    /** `released` are runs that have their turn by it, and those that give way to the next. */
    answer: { results: ('SETTLED' | 'GONE')[]; disabled: string[]; released: WaitingRow[] };
  };
  listDeliveries: { args: DeliveryFilter; answer: Listed<DeliveryRow> };
  sendersOf: { args: readonly string[]; answer: (string | undefined)[] };
  getContents: { args: readonly [namespace: string, id: string][]; answer: (ContentRow | undefined)[] };
  /** `waitsFor` is what goes before it in an ordered lane. */
  getDelivery: {
    args: [namespace: string, id: string];
    answer: { row: DeliveryRow; attempts: AttemptRow[]; waitsFor: string | undefined } | undefined;
  };
  changesSince: {
    args: [namespace: string, after: number | null, limit: number];
    answer: { rows: ChangeRow[]; next: number } | 'GAP';
  };
  /** `changed` are the rows to be handed to the dispatcher. */
  retryDeliveries: {
    args: OrderRow[];
    answer: { results: Retried[]; changed: WaitingRow[] };
  };
  cancelDeliveries: {
    args: OrderRow[];
    answer: { results: ('CANCELLING' | 'FINISHED' | 'GONE')[]; changed: WaitingRow[] };
  };
  resolveEvents: { args: [namespace: string, id: string][]; answer: (string | undefined)[] };
  getEvents: {
    args: [namespace: string, id: string][];
    answer: (EventRecordRow | undefined)[];
  };
  listEvents: { args: EventFilter; answer: Listed<EventRecordRow> };
  purgeEvents: {
    args: [namespace: string, id: string][];
    answer: { results: ('GONE' | number)[]; changed: WaitingRow[] };
  };
  claimRequests: { args: ClaimRow[]; answer: ClaimCode[] };
  /** How many were there to be answered, or released. */
  answerRequests: { args: AnswerRow[]; answer: number };
  releaseRequests: { args: [namespace: string, id: string][]; answer: number };
  keepNamespaceKeys: { args: NamespaceKeyRow[]; answer: (NamespaceKeyRow | undefined)[] };
  listNamespaceKeys: { args: [after: string, limit: number]; answer: NamespaceKeyRow[] };
  createApiKeys: {
    args: [rows: ApiKeyRow[], now: number, max: number];
    answer: ('CREATED' | 'EXISTS' | 'SHUT' | 'FULL')[];
  };
  listApiKeys: { args: [from: string, namespace: string | null, limit: number]; answer: ApiKeyRow[] };
  revokeApiKeys: {
    args: [id: string, now: number, namespace: string | null][];
    /** `revoked` where it was not before. */
    answer: ([key: ApiKeyRow, revoked: boolean] | undefined)[];
  };
  noteApiKeyUses: { args: [id: string, at: number][]; answer: null };
  apiKeyChanges: { args: [after: number, limit: number]; answer: ApiKeyRow[] };
  enterRefusals: { args: AuditRow[]; answer: null };
  listAuditEntries: { args: AuditFilter; answer: Listed<AuditRow> };
  sweep: {
    args: [now: number, finishedBefore: number, payloadsBefore: number];
    /** `gone` are namespaces that were deleted to their end. */
    answer: { touched: number; cancelled: number; gone: number };
  };
  emptyLog: { args: null; answer: boolean };
  rewrite: { args: null; answer: boolean };
  tidy: { args: [now: number, finishedBefore: number]; answer: null };
  getStandby: { args: null; answer: StandbyRow | undefined };
  standBy: { args: [reason: StandbyReason, since: number]; answer: null };
  /** Answers with the row that is no more. */
  takeOver: { args: null; answer: StandbyRow | undefined };
  /** Why the database cannot keep what it is given, if so. */
  checkUp: { args: null; answer: string | undefined };
  /** Answers when a server was last at work; null where none has been. */
  comeBack: { args: [now: number, awayMs: number]; answer: number | null };
  /** `place` is where to go on: null at the beginning, and in the answer at the end. */
  moveBack: { args: [byMs: number, now: number, place: MovePlace | null]; answer: MovePlace | null };
}

/** The last row that was moved, or the webhook before whose rows the next call begins. */
export type MovePlace = [webhook: number, dueAt: number, ord: number];

/** What became of a firing. */
export type FireCode = 'FIRED' | 'KNOWN' | 'SKIPPED' | 'STALE';

/** A lane that is too long, by how much, and beyond which bound: its own, or its namespace's. */
export type OverflowingRow = [webhookId: string, excess: number, bound: number, isOwn: Flag];

/** What became of a claim: since when there is one, or what was answered, each with its digest; or why there is none. */
export type ClaimCode =
  | [kind: 'CLAIMED' | 'BEGUN', at: number, digest: string]
  | [kind: 'ANSWERED', answer: Uint8Array, digest: string]
  | 'OTHER'
  | 'FULL';

export type Verb = keyof Shapes;
export type Args<V extends Verb> = Shapes[V]['args'];
export type Answer<V extends Verb> = Shapes[V]['answer'];

/**
 * Verbs by which work is finished that was taken before, and space is made. They are tried when there is no space too;
 * what brings new work is not.
 */
export const FINISHING: ReadonlySet<Verb> = new Set<Verb>([
  'settle',
  'answerRequests',
  'releaseRequests',
  'sweep',
  'comeBack',
  'moveBack',
]);

/** Verbs that write nothing: they need no transaction. */
const READ_VERBS = [
  'getNamespaces',
  'listNamespaces',
  'namespaceUsage',
  'getWebhooks',
  'resolveWebhooks',
  'findWebhook',
  'unverifiedWebhooks',
  'listWebhooks',
  'unsealedWebhooks',
  'dueConsents',
  'listSealKeys',
  'countSealable',
  'walkWebhooks',
  'walkRequests',
  'getTraffic',
  'upcomingRuns',
  'cursorsToRenew',
  'waitingLanes',
  'topUp',
  'matchWebhooks',
  'getEventBodies',
  'getRendered',
  'overflowing',
  'surplus',
  'listDeliveries',
  'getContents',
  'sendersOf',
  'getDelivery',
  'changesSince',
  'resolveEvents',
  'getEvents',
  'listEvents',
  'listNamespaceKeys',
  'listApiKeys',
  'apiKeyChanges',
  'listAuditEntries',
  'getStandby',
  'exportPart',
] as const satisfies readonly Verb[];

export const READS: ReadonlySet<Verb> = new Set<Verb>(READ_VERBS);

/**
 * Verbs that write what no caller asked for: what follows of what was asked for before, and notes about calls. What
 * all others change is entered in the audit log.
 */
type OwnVerb =
  | 'sealWebhooks'
  | 'keepSealKey'
  | 'resealWebhooks'
  | 'resealNamespaceKeys'
  | 'resealRequests'
  | 'fireRuns'
  | 'moveCursors'
  | 'keepMade'
  | 'settle'
  | 'claimRequests'
  | 'answerRequests'
  | 'releaseRequests'
  | 'keepNamespaceKeys'
  | 'noteApiKeyUses'
  | 'enterRefusals'
  | 'sweep'
  | 'emptyLog'
  | 'rewrite'
  | 'tidy'
  | 'checkUp'
  | 'comeBack'
  | 'keepConsents'
  | 'standBy'
  | 'beginExport'
  | 'beginImport'
  | 'importRows'
  | 'finishImport'
  | 'moveBack';

/** Verbs by which callers change something. */
export type ChangingVerb = Exclude<Verb, (typeof READ_VERBS)[number] | OwnVerb>;
