import type { AuditChange, ChangeKind } from '../../domain/access/audit.ts';
import {
  BACKFILL,
  NEW_DELIVERY,
  type NewDeliveryRow,
  PUBLICATION,
  REPLAY,
  UPDATE,
} from '../rows/messages.ts';
import {
  API_KEY,
  EVENT,
  NAMESPACE,
  STANDBY,
  WAITING,
  type WaitingRow,
  WEBHOOK,
  type WebhookRow,
} from '../rows/tables.ts';
import type { Answer, Args, ChangingVerb, Verb } from './shapes.ts';

/** A change, and the namespace that it is in: null for none, undefined for the one that its call means. */
export type Made = readonly [namespace: string | null | undefined, change: AuditChange];

/** What is known of a webhook by its uid, also right after it was removed. */
export type FindWebhook = (uid: string) => readonly [namespace: string, callerId: string | null] | undefined;

/**
 * What a call of each verb changed, by what it was given and what it answered. The type asks for every verb, so that
 * one by which callers change something cannot be added without.
 */
export const MADE: {
  readonly [V in ChangingVerb]: (args: Args<V>, answer: Answer<V>, find: FindWebhook) => Made[];
} = {
  createNamespaces: (rows, results) =>
    those(rows, results, 'CREATED', (row) => [
      null,
      { kind: 'CREATED', type: 'Namespace', id: row[NAMESPACE.at.name] },
    ]),
  updateNamespaces: (rows, results) =>
    those(rows, results, 'UPDATED', ([row, , fields]) => {
      const kind = row[NAMESPACE.at.state] === 'DELETING' ? 'REMOVED' : 'UPDATED';
      return [null, { kind, type: 'Namespace', id: row[NAMESPACE.at.name], fields }];
    }),
  createWebhooks: (rows, results) => those(rows, results, 'CREATED', (row) => webhookMade('CREATED', row)),
  updateWebhooks: (rows, results) =>
    those(rows, results, 'UPDATED', (row) => {
      const changed = row[UPDATE.at.changed];
      return webhookMade('UPDATED', row[UPDATE.at.webhook], changed ?? {});
    }),
  removeWebhooks: (rows, { results }, find) =>
    those(rows, results, 'REMOVED', ([uid]) => {
      const [namespace, callerId = null] = find(uid) ?? [];
      return [namespace, { kind: 'REMOVED', type: 'Webhook', id: callerId ?? uid, uid }];
    }),
  // Only what is rung by hand: an event is a record of its own, and what is published is entered nowhere else.
  publish: (rows, { results }) =>
    rows.flatMap((row, i) => {
      const made = results[i];
      const isRung = row[PUBLICATION.at.run] === 1 && typeof made === 'number' && made > 0;
      const namespace = row[PUBLICATION.at.event][EVENT.at.namespace];
      return isRung ? row[PUBLICATION.at.deliveries].map((each) => deliveryMade(each, namespace)) : [];
    }),
  replay(rows, { results, ords }) {
    const replayed = rows.filter((_, i) => results[i] === 'REPLAYED');
    return replayed.filter((_, i) => ords[i] !== 0).map((row) => deliveryMade(row[REPLAY.at.delivery]));
  },
  backfillRuns: (rows, { results }) =>
    rows.flatMap((row, i) => {
      const fired = results[i] ?? 'STALE';
      if (fired === 'STALE') return [];
      const deliveries = row[BACKFILL.at.deliveries].filter((_, j) => fired[j] === 'FIRED');
      return deliveries.map((each) => deliveryMade(each));
    }),
  retryDeliveries: (_, { changed }) => changed.map((row) => deliveryChanged(row)),
  cancelDeliveries: (_, { changed }) => changed.map((row) => deliveryChanged(row)),
  purgeEvents: (rows, { results }) =>
    rows.flatMap(([namespace, id], i): Made[] =>
      results[i] === 'GONE' ? [] : [[namespace, { kind: 'UPDATED', type: 'Event', id, fields: ['data'] }]],
    ),
  noteSealKeys: (rows, noted) =>
    those(rows, noted, true, ([id]) => [null, { kind: 'CREATED', type: 'SealKey', id }]),
  takeOver: (_, before) =>
    before === undefined ? [] : [[null, { kind: 'REMOVED', type: 'Standby', id: before[STANDBY.at.reason] }]],
  createApiKeys: ([rows], results) =>
    those(rows, results, 'CREATED', (row) => [
      row[API_KEY.at.namespace],
      { kind: 'CREATED', type: 'ApiKey', id: row[API_KEY.at.id] },
    ]),
  // One that was revoked before stays as it is.
  revokeApiKeys: (rows, answers) =>
    rows.flatMap(([id], i): Made[] => {
      const [key, revoked] = answers[i] ?? [];
      if (key === undefined || !revoked) return [];
      return [[key[API_KEY.at.namespace], { kind: 'REMOVED', type: 'ApiKey', id }]];
    }),
};

/** Whether callers change something by a verb. */
export function isChanging(verb: Verb): verb is ChangingVerb {
  return Object.hasOwn(MADE, verb);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function those<Row, Result>(
  rows: readonly Row[],
  results: readonly Result[],
  wanted: Result,
  made: (row: Row) => Made,
): Made[] {
  return rows.filter((_, i) => results[i] === wanted).map(made);
}

function webhookMade(
  kind: ChangeKind,
  row: WebhookRow,
  fields: Pick<AuditChange, 'fields' | 'before' | 'after'> = {},
): Made {
  const uid = row[WEBHOOK.at.id];
  const id = row[WEBHOOK.at.callerId] ?? uid;
  return [row[WEBHOOK.at.namespace], { kind, type: 'Webhook', id, uid, ...fields }];
}

function deliveryMade(row: NewDeliveryRow, namespace?: string): Made {
  const { at } = NEW_DELIVERY;
  return [namespace, { kind: 'CREATED', type: 'Delivery', id: row[at.id], uid: row[at.webhookId] }];
}

function deliveryChanged(row: WaitingRow): Made {
  const { at } = WAITING;
  const change = { kind: 'UPDATED', type: 'Delivery', id: row[at.id], uid: row[at.webhookId] } as const;
  return [undefined, { ...change, fields: ['state'] }];
}
