import type { AuditEntry } from '../domain/access/audit.ts';
import type { Delivery } from '../domain/delivery/delivery.ts';
import type { EventRecord } from '../domain/event/event.ts';
import { isOwnForm } from '../domain/id.ts';
import { type Bound, boundsOf } from '../domain/listing/bounds.ts';
import { type Condition, valuesOf, withValues } from '../domain/listing/condition.ts';
import type { WebhookOrder } from '../domain/listing/place.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { DeliveryQuery, EventQuery, Part } from '../store/store.ts';
import type { Needs } from './deps.ts';

/** What a caller wants of a list. */
export interface ListOrder {
  readonly namespace: string;
  readonly where: Condition | undefined;
  readonly descending: boolean;
}

export interface WebhookListOrder extends ListOrder {
  readonly by: WebhookOrder;
}

export interface AuditListOrder extends Omit<ListOrder, 'namespace'> {
  /** Undefined for all. */
  readonly namespace: string | undefined;
}

/** Reads the part of a list that follows a place; the beginning without one. */
export type Read<Row> = (from: string | undefined, limit: number) => Promise<Part<Row>>;

const NOTHING: Part<never> = { rows: [], next: null, looked: 0 };
const readNothing: Read<never> = async () => NOTHING;

/**
 * Deliveries, by id. A webhook can be named by its id, or, also once it is removed, by its uid; an event is named by
 * the id that readers see.
 */
export async function listDeliveries(
  deps: Needs<'scanDeliveries' | 'resolveWebhooks' | 'resolveEvents'>,
  { namespace, where: asked, descending }: ListOrder,
): Promise<Read<Delivery>> {
  const { store } = deps;
  const where = asked && (await withUids(deps, namespace, asked));
  const bounds = boundsOf(where, DELIVERY_BOUNDS);
  if (bounds === undefined) return readNothing;
  const webhookId = only(bounds.get('webhook_id') ?? bounds.get('webhook_uid'));
  const publicEventId = only(bounds.get('event_id'));
  const [eventId] =
    publicEventId === undefined ? [] : await store.resolveEvents([{ namespace, id: publicEventId }]);
  if (publicEventId !== undefined && eventId === undefined) return readNothing;
  const eventType = typeFrom(bounds.get('event_type'));
  const state = statesFrom(bounds.get('state'));
  const lastStatus = statusFrom(bounds.get('last_response_status'));
  const query: Omit<DeliveryQuery, 'limit'> = {
    namespace,
    ascending: !descending,
    ...timesFrom(bounds.get('create_time')),
    ...(where && { where }),
    ...(webhookId !== undefined && { webhookId }),
    ...(eventId !== undefined && { eventId }),
    ...(eventType && { eventType }),
    ...(state && { state }),
    ...(lastStatus && { lastStatus }),
  };
  return (from, limit) => store.scanDeliveries({ ...query, limit, ...beyond(from, descending) });
}

/** Events, by id. Their bodies are left out. */
export function listEvents(
  { store }: Needs<'scanEvents'>,
  { namespace, where, descending }: ListOrder,
): Read<EventRecord> {
  const bounds = boundsOf(where, EVENT_BOUNDS);
  if (bounds === undefined) return readNothing;
  const type = typeFrom(bounds.get('type'));
  const query: Omit<EventQuery, 'limit'> = {
    namespace,
    ascending: !descending,
    ...timesFrom(bounds.get('create_time')),
    ...(where && { where }),
    ...(type && { type }),
  };
  return (from, limit) => store.scanEvents({ ...query, limit, ...beyond(from, descending) });
}

/** Webhooks, by id or by name. */
export function listWebhooks(
  { store }: Needs<'scanWebhooks'>,
  { namespace, where, by, descending }: WebhookListOrder,
): Read<Webhook> {
  const bounds = boundsOf(where, WEBHOOK_BOUNDS);
  if (bounds === undefined) return readNothing;
  const name = only(bounds.get('name'));
  const query = { namespace, by, descending, ...(where && { where }), ...(name !== undefined && { name }) };
  return (from, limit) => store.scanWebhooks({ ...query, limit, ...(from !== undefined && { after: from }) });
}

/** Entries of the audit log, by id. */
export function listAuditEntries(
  { store }: Needs<'scanAuditEntries'>,
  { namespace, where, descending }: AuditListOrder,
): Read<AuditEntry> {
  const bounds = boundsOf(where, AUDIT_BOUNDS);
  if (bounds === undefined) return readNothing;
  const times = timesFrom(bounds.get('create_time'));
  const query = { namespace, descending, ...times, ...(where && { where }) };
  return (from, limit) =>
    store.scanAuditEntries({ ...query, limit, ...(from !== undefined && { after: from }) });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The fields by which the store finds what it lists; docs/lists.md says so too. */
export const DELIVERY_BOUNDS: readonly string[] = [
  'webhook_id',
  'webhook_uid',
  'event_id',
  'event_type',
  'state',
  'create_time',
  'last_response_status',
];
export const EVENT_BOUNDS: readonly string[] = ['type', 'create_time'];
export const WEBHOOK_BOUNDS: readonly string[] = ['name'];
export const AUDIT_BOUNDS: readonly string[] = ['create_time'];

/** The condition with the uids of the webhooks that it names. */
async function withUids(
  { store }: Needs<'resolveWebhooks'>,
  namespace: string,
  where: Condition,
): Promise<Condition> {
  const ids = [...new Set(valuesOf(where, 'webhook_id'))].filter((id) => !isOwnForm(id));
  if (ids.length === 0) return where;
  const found = await store.resolveWebhooks(ids.map((id) => ({ namespace, id })));
  // What has no uid is nothing, and so is an empty one.
  const uids = new Map(ids.map((id, i) => [id, found[i]?.id ?? '']));
  return withValues(where, 'webhook_id', (id) => uids.get(id) ?? id);
}

function beyond(from: string | undefined, descending: boolean): { before?: string; after?: string } {
  if (from === undefined) return {};
  return descending ? { before: from } : { after: from };
}

/** The one value that there can be; several are judged row by row. */
function only(bound: Bound | undefined): string | undefined {
  return bound?.kind === 'oneOf' && bound.values.length === 1 ? bound.values[0] : undefined;
}

function typeFrom(bound: Bound | undefined): EventQuery['type'] {
  if (bound?.kind === 'begins') return { prefix: bound.text };
  const exact = only(bound);
  return exact === undefined ? undefined : { exact };
}

function statesFrom(bound: Bound | undefined): DeliveryQuery['state'] {
  return bound?.kind === 'oneOf' ? STATES.filter((state) => bound.values.includes(state)) : undefined;
}

const STATES = ['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const;

function timesFrom(bound: Bound | undefined): Pick<DeliveryQuery, 'since' | 'until'> {
  if (bound?.kind !== 'range') return {};
  const { from, to } = bound;
  return { ...(from !== -Infinity && { since: from }), ...(to !== Infinity && { until: to }) };
}

/** Both ends included. */
function statusFrom(bound: Bound | undefined): DeliveryQuery['lastStatus'] {
  if (bound?.kind !== 'range') return undefined;
  return { from: Math.max(bound.from, STATUS_MIN), to: Math.min(bound.to - 1, STATUS_MAX) };
}

const STATUS_MIN = 100;
const STATUS_MAX = 999;
