/** The kinds of rows that are read from the database or written to it, and what their reads have in common. */
import type { AuditOutcome, CallerKind } from '../../domain/access/audit.ts';
import type { NamespaceState } from '../../domain/access/namespace.ts';
import type { Role } from '../../domain/access/role.ts';
import type { StandbyReason } from '../../domain/standby.ts';
import type { DisabledReason, WebhookState } from '../../domain/webhook/webhook.ts';
import { CANCELLED, type Flag, REMOVED, type RenderedCode, type StateCode } from './codes.ts';
import { as, blob, field, integer, layout, orNull, part, type RowOf, readFrom, text } from './layout.ts';

export const WEBHOOK = layout(
  field('id', text),
  field('callerId', orNull(text)),
  field('namespace', text),
  field('name', text),
  field('destination', text),
  field('state', as<WebhookState>()),
  field('stateReason', orNull(as<DisabledReason>())),
  field('anchorAt', integer),
  field('nominalAt', orNull(integer)),
  field('dueAt', orNull(integer), 'run_due_at'),
  field('fired', integer),
  field('skipped', integer),
  field('movedAt', orNull(integer)),
  // Null where the schedule needs none, and empty where they are not known.
  field('zoneRules', orNull(text)),
  field('failingSince', orNull(integer)),
  field('trips', integer),
  field('openUntil', orNull(integer)),
  field('holdUntil', orNull(integer)),
  field('healthVersion', integer),
  field('createdAt', integer),
  field('updatedAt', integer),
  field('version', integer),
  field('secrets', text),
  field('spec', text),
  field('filterFailures', integer),
  field('waitingMax', orNull(integer)),
  field('dropNewest', as<Flag>()),
  // Empty where secrets may stand in the clear in the spec, as versions before wrote it.
  field('credentials', orNull(blob)),
  // When the first signing secret ends.
  field('secretsEndAt', orNull(integer)),
  field('compatibilitySecret', orNull(text)),
  field('unverified', as<Flag>()),
  field('consent', orNull(text)),
  field('consentDueAt', orNull(integer)),
  field('consentSince', integer),
);
export type WebhookRow = RowOf<typeof WEBHOOK>;

/** A webhook as whoever rings it reads it: with what its namespace says to that. */
export const RINGING = layout(
  ...WEBHOOK.fields,
  // Null where there is no row of the namespace.
  field(
    'namespaceState',
    orNull(as<NamespaceState>()),
    '(SELECT n.state FROM namespaces AS n WHERE n.name = webhooks.namespace)',
  ),
);
export type RingingRow = RowOf<typeof RINGING>;

/** A tenant. Quotas are null where nothing was asked for. */
export const NAMESPACE = layout(
  field('name', text),
  field('state', as<NamespaceState>()),
  field('webhooksMax', orNull(integer)),
  field('waitingMax', orNull(integer)),
  field('laneWaitingMax', orNull(integer)),
  field('publishRate', orNull(integer)),
  field('publishBurst', orNull(integer)),
  field('payloadBytesMax', orNull(integer)),
  field('createdAt', integer),
  field('updatedAt', integer),
  field('version', integer),
);
export type NamespaceRow = RowOf<typeof NAMESPACE>;

/** What of a namespace an update writes. */
export const NAMESPACE_CHANGED = part(
  NAMESPACE,
  'state',
  'webhooksMax',
  'waitingMax',
  'laneWaitingMax',
  'publishRate',
  'publishBurst',
  'payloadBytesMax',
  'updatedAt',
  'version',
);

/** What of a webhook an update always writes. */
export const WEBHOOK_CHANGED = part(
  WEBHOOK,
  'name',
  'destination',
  'state',
  'stateReason',
  'updatedAt',
  'version',
  'secrets',
  'spec',
  'waitingMax',
  'dropNewest',
  'credentials',
  'secretsEndAt',
  'compatibilitySecret',
  'unverified',
);

/** The run cursor of a webhook. */
export const CURSOR = part(
  WEBHOOK,
  'anchorAt',
  'nominalAt',
  'dueAt',
  'fired',
  'skipped',
  'movedAt',
  'zoneRules',
);
export type CursorRow = RowOf<typeof CURSOR>;

/** What of a cursor tells whether it has moved. */
export const CURSOR_FENCE = part(WEBHOOK, 'nominalAt', 'fired', 'skipped');

/** What a destination has said to being asked. */
export const CONSENT = part(WEBHOOK, 'consent', 'consentDueAt', 'consentSince');
export type ConsentRow = RowOf<typeof CONSENT>;

/** The health of a webhook's lane. */
export const HEALTH = part(WEBHOOK, 'failingSince', 'trips', 'openUntil', 'holdUntil');
export type HealthRow = RowOf<typeof HEALTH>;

export const NAMESPACE_KEY = layout(
  field('namespace', text),
  field('id', text),
  field('publicKey', blob),
  field('sealed', blob),
  field('createdAt', integer),
);
export type NamespaceKeyRow = RowOf<typeof NAMESPACE_KEY>;

/** A key that seals what is kept. */
export const SEAL_KEY = layout(
  field('id', text),
  field('usedAt', integer),
  // Null where something else than it sealed was always there.
  field('aloneAt', orNull(integer)),
);
export type SealKeyRow = RowOf<typeof SEAL_KEY>;

/** A call that is remembered. */
export const REQUEST = layout(
  field('namespace', text),
  field('id', text),
  field('digest', text),
  field('claimedAt', integer),
  field('knownUntil', integer),
  // Sealed; null while there is none.
  field('answer', orNull(blob)),
);
export type RequestRow = RowOf<typeof REQUEST>;

export const EVENT = layout(
  field('id', text),
  field('callerId', orNull(text)),
  field('namespace', text),
  field('type', text),
  field('source', orNull(text)),
  field('subject', orNull(text)),
  field('time', integer),
  field('nominalAt', orNull(integer)),
  field('contentType', text),
  field('headers', orNull(text)),
  field('extensions', orNull(text)),
  field('createdAt', integer),
  // Null once it was erased.
  field('body', orNull(blob)),
);
export type EventRow = RowOf<typeof EVENT>;

/** An event as requests need it. */
export const EVENT_BODY = layout(
  ...EVENT.fields,
  // Its caller's id names another event. No event that comes in is such a one, but old databases have some.
  field('shadowed', as<Flag>()),
);
export type EventBodyRow = RowOf<typeof EVENT_BODY>;

/** An event as it is read by callers. */
export const EVENT_RECORD = layout(...EVENT_BODY.fields, field('deliveries', integer));
export type EventRecordRow = RowOf<typeof EVENT_RECORD>;

/** What templates made. */
export const RENDERED = layout(
  field('headers', text),
  field('contentType', orNull(text)),
  field('body', orNull(blob)),
);
export type RenderedRow = RowOf<typeof RENDERED>;

/** A waiting delivery, `d`, with its webhook, `w`, and its event, `e`. */
export const WAITING = layout(
  field('ord', integer, 'd.ord'),
  field('id', text, 'd.id'),
  field('webhookId', text, 'w.id'),
  field('eventId', text, 'e.id'),
  field('dueAt', integer, 'd.due_at'),
  field('firstDueAt', integer, 'd.first_due_at'),
  field('attempts', integer, 'd.attempts'),
  field('attemptsBefore', integer, 'd.attempts_before'),
  field('ending', integer, 'd.ending'),
  field('format', integer, 'd.format'),
  field('rendered', as<RenderedCode>(), 'd.rendered'),
  field('replayOf', orNull(text), `nullif(d.replay_of, '')`),
);
export type WaitingRow = RowOf<typeof WAITING>;

/** The same of one that is to be given up, and its event as readers know it. */
export const SURPLUS = layout(
  ...WAITING.fields,
  field('eventType', text, 'd.type'),
  field('publicEventId', text, 'CASE WHEN e.shadowed = 1 THEN e.id ELSE coalesce(e.caller_id, e.id) END'),
);
export type SurplusRow = RowOf<typeof SURPLUS>;

/** An attempt, in the journal. */
export const ATTEMPT = layout(
  field('number', integer),
  field('facts', text),
  // Null once they were erased.
  field('headers', orNull(text)),
  // Null for none, or once it was erased.
  field('body', orNull(blob)),
);
export type AttemptRow = RowOf<typeof ATTEMPT>;

/**
 * A delivery, `d`, with its webhook, `w`, and its event, `e`. What waits reads as cancelled once its webhook
 * is removed, whether or not its own row was changed yet.
 */
export const DELIVERY = layout(
  field('id', text, 'd.id'),
  field('namespace', text, 'd.namespace'),
  field('webhookId', text, `coalesce(w.id, '')`),
  field('webhookCallerId', orNull(text), 'w.caller_id'),
  // Forgotten with the webhook, whether or not its own row was emptied yet.
  field('webhookName', orNull(text), 'CASE WHEN w.removed_at IS NULL THEN w.name ELSE NULL END'),
  field('eventId', text, 'CASE WHEN e.shadowed = 1 THEN e.id ELSE coalesce(e.caller_id, e.id) END'),
  field('eventType', text, 'd.type'),
  field(
    'state',
    as<StateCode>(),
    `CASE WHEN d.state = 0 AND w.removed_at IS NOT NULL THEN ${CANCELLED} ELSE d.state END`,
  ),
  field(
    'reason',
    integer,
    `CASE WHEN d.state = 0 AND w.removed_at IS NOT NULL THEN ${REMOVED} ELSE d.reason END`,
  ),
  field('attempts', integer, 'd.attempts'),
  // When it is due or was finished.
  field('at', integer, 'CASE WHEN d.state = 0 THEN coalesce(w.removed_at, d.due_at) ELSE d.finished_at END'),
  field('nominalAt', orNull(integer), 'e.nominal_at'),
  field('createdAt', integer, 'd.created_at'),
  // 0 for none.
  field('lastStatus', integer, 'd.last_status'),
  field('replayOf', orNull(text), `nullif(d.replay_of, '')`),
  field('message', orNull(text), 'd.message'),
);
export type DeliveryRow = RowOf<typeof DELIVERY>;

/** An entry of the journal, `j`: the delivery as it was then, and the attempt, if one was made. */
export const CHANGE = layout(
  ...readFrom(DELIVERY, {
    state: 'j.state',
    reason: 'j.reason',
    attempts: 'j.attempts',
    at: 'j.at',
    lastStatus: 'j.status',
    message: 'CASE WHEN j.seq = d.journal THEN d.message ELSE NULL END',
  }).fields,
  field('seq', integer, 'j.seq'),
  // Null where no attempt was made.
  field('number', orNull(integer), 'j.number'),
  field('facts', orNull(text), 'j.facts'),
  field('headers', orNull(text), 'j.headers'),
);
export type ChangeRow = RowOf<typeof CHANGE>;

/** A key of a caller. */
export const API_KEY = layout(
  field('id', text),
  field('hash', text),
  field('prefix', text),
  // Null for all.
  field('namespace', orNull(text)),
  field('role', as<Role>()),
  field('note', text),
  field('callsPerSecond', integer),
  field('createdAt', integer),
  field('expiresAt', orNull(integer)),
  field('revokedAt', orNull(integer)),
  field('lastUsedAt', orNull(integer)),
  field('change', integer),
);
export type ApiKeyRow = RowOf<typeof API_KEY>;

/** An entry of the audit log. */
export const AUDIT = layout(
  field('id', text),
  // Null for what is in none.
  field('namespace', orNull(text)),
  field('at', integer),
  field('method', text),
  field('callerKind', as<CallerKind>()),
  field('caller', text),
  field('address', text),
  field('requestId', text),
  field('outcome', as<AuditOutcome>()),
  field('reason', text),
  // The first of them, in JSON.
  field('changes', text),
  field('changeCount', integer),
);
export type AuditRow = RowOf<typeof AUDIT>;

/** Why the store sends nothing. */
export const STANDBY = layout(field('reason', as<StandbyReason>()), field('since', integer));
export type StandbyRow = RowOf<typeof STANDBY>;
