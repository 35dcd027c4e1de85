/** What lists can be filtered by; the proto files and docs/lists.md say so too. */
import { AUDIT_OUTCOMES, type AuditEntry, CALLER_KINDS } from '../access/audit.ts';
import type { Delivery } from '../delivery/delivery.ts';
import { type EventRecord, publicId } from '../event/event.ts';
import type { AskedSpec } from '../webhook/asked.ts';
import { warningsOf } from '../webhook/warnings.ts';
import { type Webhook, webhookIdOf } from '../webhook/webhook.ts';
import type { Field, Fields } from './condition.ts';

function field<Row>(kind: Exclude<Field<Row>['type']['kind'], 'enum'>, of: Field<Row>['of']): Field<Row> {
  return { type: { kind }, of };
}

function enumField<Row>(prefix: string, values: readonly string[], of: Field<Row>['of']): Field<Row> {
  return { type: { kind: 'enum', prefix, values }, of };
}

export const DELIVERY_FIELDS: Fields<Delivery> = {
  id: field('id', ({ id }) => id),
  // By its uid, too.
  webhook_id: field('id', ({ webhookId, webhookCallerId }) =>
    webhookCallerId === undefined ? webhookId : [webhookCallerId, webhookId],
  ),
  webhook_uid: field('id', ({ webhookId }) => webhookId),
  event_id: field('id', ({ eventId }) => eventId),
  event_type: field('eventType', ({ eventType }) => eventType),
  state: enumField('STATE_', ['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED'], ({ state }) => state),
  state_reason: field('text', ({ reason }) => reason),
  attempt_count: field('number', ({ attemptCount }) => attemptCount),
  last_response_status: field('status', ({ lastStatus }) => lastStatus),
  create_time: field('time', ({ createdAt }) => createdAt),
  next_attempt_time: field('time', ({ state, dueAt }) => (state === 'PENDING' ? dueAt : undefined)),
  finish_time: field('time', ({ finishedAt }) => finishedAt),
  scheduled_time: field('time', ({ nominalAt }) => nominalAt),
  replay_of: field('id', ({ replayOf }) => replayOf),
};

export const EVENT_FIELDS: Fields<EventRecord> = {
  id: field('id', publicId),
  type: field('eventType', ({ type }) => type),
  source: field('text', ({ source }) => source),
  subject: field('text', ({ subject }) => subject),
  content_type: field('text', ({ contentType }) => contentType),
  time: field('time', ({ time }) => time),
  create_time: field('time', ({ createdAt }) => createdAt),
  scheduled_time: field('time', ({ nominalAt }) => nominalAt),
  purged: field('flag', ({ purged }) => purged),
};

/** What of a webhook can be asked for; the store reads no more of it to judge it. */
export type JudgedWebhook = Pick<
  Webhook,
  'id' | 'callerId' | 'state' | 'stateReason' | 'cursor' | 'health' | 'createdAt' | 'updatedAt'
> & {
  readonly spec: Pick<AskedSpec, 'name' | 'destination'> & {
    readonly eventTypes?: AskedSpec['eventTypes'] | undefined;
    readonly labels?: AskedSpec['labels'] | undefined;
    readonly tls?: AskedSpec['tls'] | undefined;
  };
};

export const WEBHOOK_FIELDS: Fields<JudgedWebhook> = {
  // By its uid, too.
  id: field('id', (webhook) => [webhookIdOf(webhook), webhook.id]),
  uid: field('id', ({ id }) => id),
  name: field('text', ({ spec }) => spec.name),
  destination: field('text', ({ spec }) => spec.destination),
  event_types: field('texts', ({ spec }) => spec.eventTypes),
  labels: field('map', ({ spec }) => spec.labels),
  warnings: field('texts', ({ spec }) => warningsOf(spec)),
  state: enumField('STATE_', ['ACTIVE', 'PAUSED', 'DISABLED'], ({ state }) => state),
  state_reason: field('text', ({ stateReason }) => stateReason),
  create_time: field('time', ({ createdAt }) => createdAt),
  update_time: field('time', ({ updatedAt }) => updatedAt),
  next_run_time: field('time', ({ state, cursor }) =>
    state === 'ACTIVE' ? (cursor.dueAt ?? undefined) : undefined,
  ),
  failing_since_time: field('time', ({ health }) => health.failingSince ?? undefined),
};

export const AUDIT_FIELDS: Fields<AuditEntry> = {
  id: field('id', ({ id }) => id),
  method: field('text', ({ method }) => method),
  caller_kind: enumField('CALLER_KIND_', CALLER_KINDS, ({ caller }) => caller.kind),
  caller: field('text', ({ caller }) => caller.id),
  address: field('text', ({ caller }) => caller.address),
  request_id: field('text', ({ requestId }) => requestId),
  outcome: enumField('OUTCOME_', AUDIT_OUTCOMES, ({ outcome }) => outcome),
  reason: field('text', ({ reason }) => reason),
  // Of what it names of what was changed.
  resource_types: field('texts', ({ changes }) => changes.first.map(({ type }) => type)),
  resource_ids: field('texts', ({ changes }) =>
    changes.first.flatMap(({ id, uid }) => (uid === undefined || uid === id ? id : [id, uid])),
  ),
  change_count: field('number', ({ changes }) => changes.count),
  create_time: field('time', ({ at }) => at),
};
