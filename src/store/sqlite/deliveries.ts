import type { Context } from './context.ts';
import {
  type AttemptRow,
  CANCELLED,
  type DeliveryRow,
  FAILED,
  PENDING,
  SUCCEEDED,
  type Verbs,
} from './protocol.ts';

/** In the order of `DeliveryRow`, from history. */
const FINISHED = `d.id, d.namespace, d.webhook_id, coalesce(e.caller_id, d.event_id), d.state, d.reason,
  d.attempts, NULL, d.nominal_at, d.created_at, d.finished_at, coalesce(e.type, ''), d.last_status, d.replay_of`;
const EVENT = 'LEFT JOIN events AS e ON e.id =';

/** The same of what waits: it reads as cancelled once its webhook is removed, whether or not it was moved yet. */
const UNFINISHED = `w.id, w.namespace, w.webhook_id, coalesce(e.caller_id, w.event_id),
  iif(h.removed_at IS NULL, ${PENDING}, ${CANCELLED}), iif(h.removed_at IS NULL, NULL, 'REMOVED'),
  w.attempts, iif(h.removed_at IS NULL, w.due_at, NULL), w.nominal_at, w.created_at, h.removed_at,
  coalesce(e.type, ''), w.last_status, w.replay_of`;
const WAITING = `waiting AS w LEFT JOIN webhooks AS h ON h.id = w.webhook_id ${EVENT} w.event_id`;

const FINISHED_STATES = [SUCCEEDED, FAILED, CANCELLED] as const;

/**
 * Lists by merging what waits with what is finished, and that state by state: every index ends in the
 * id, so each part is read newest first and no further than the limit, whatever the filter and however
 * many rows there are.
 */
export function deliveryVerbs({ db, removed }: Context): Pick<Verbs, 'listDeliveries' | 'getDelivery'> {
  const ofNamespace = {
    unfinished: db.prepare<DeliveryRow>(unfinished('w.namespace = ?1')),
    settled: db.prepare<DeliveryRow>(
      finished('settled', '(?4 IS NULL OR d.state = ?4) AND d.namespace = ?1'),
    ),
    finished: db.prepare<DeliveryRow>(finished('deliveries', 'd.state = ?4 AND d.namespace = ?1')),
  };
  // The plus keeps the index by namespace from being chosen.
  const ofWebhook = {
    unfinished: db.prepare<DeliveryRow>(unfinished('w.webhook_id = ?5 AND +w.namespace = ?1')),
    settled: db.prepare<DeliveryRow>(
      finished('settled', '(?4 IS NULL OR d.state = ?4) AND d.webhook_id = ?5 AND d.namespace = ?1'),
    ),
    finished: db.prepare<DeliveryRow>(
      finished('deliveries', 'd.state = ?4 AND d.webhook_id = ?5 AND +d.namespace = ?1'),
    ),
  };
  const selectUnfinished = db.prepare<DeliveryRow>(`SELECT ${UNFINISHED} FROM ${WAITING} WHERE w.id = ?`);
  const selectSettled = db.prepare<DeliveryRow>(
    `SELECT ${FINISHED} FROM settled AS d ${EVENT} d.event_id WHERE d.id = ?`,
  );
  const selectFinished = db.prepare<DeliveryRow>(
    `SELECT ${FINISHED} FROM deliveries AS d ${EVENT} d.event_id WHERE d.id = ?`,
  );
  const selectAttempts = db.prepare<AttemptRow>(`
    SELECT number, started_at, duration_ms, status, headers, body, truncated, error_class, message, sent,
      timing, address
    FROM attempts WHERE delivery_id = ? ORDER BY number`);

  return {
    listDeliveries([namespace, before, limit, webhookId, state]) {
      const of = webhookId === null ? ofNamespace : ofWebhook;
      const filter = webhookId === null ? [] : [webhookId];
      const rows: DeliveryRow[] = [];
      if (state === null || state === PENDING) {
        rows.push(...of.unfinished.all(namespace, before, limit, state, ...filter));
      }
      if (state !== PENDING) rows.push(...of.settled.all(namespace, before, limit, state, ...filter));
      for (const each of FINISHED_STATES) {
        if (state !== null && state !== each) continue;
        rows.push(...of.finished.all(namespace, before, limit, each, ...filter));
      }
      if (state === CANCELLED) {
        // What is left of removed webhooks, lane by lane: they are few, and soon swept.
        for (const id of webhookId === null ? removed.keys() : [webhookId]) {
          if (removed.has(id)) rows.push(...ofWebhook.unfinished.all(namespace, before, limit, state, id));
        }
      }
      return rows.sort(newestFirst).slice(0, limit);
    },

    getDelivery(id) {
      const row = selectUnfinished.get(id) ?? selectSettled.get(id) ?? selectFinished.get(id);
      return row && { row, attempts: selectAttempts.all(id) };
    },
  };
}

function unfinished(where: string): string {
  return `
    SELECT ${UNFINISHED} FROM ${WAITING}
    WHERE ${where} AND w.id < ?2
      AND (?4 IS NULL OR (?4 = ${PENDING}) = (h.removed_at IS NULL))
    ORDER BY w.id DESC LIMIT ?3`;
}

function finished(table: 'settled' | 'deliveries', where: string): string {
  return `
    SELECT ${FINISHED} FROM ${table} AS d ${EVENT} d.event_id
    WHERE ${where} AND d.id < ?2 ORDER BY d.id DESC LIMIT ?3`;
}

function newestFirst(a: DeliveryRow, b: DeliveryRow): number {
  return a[0] < b[0] ? 1 : a[0] > b[0] ? -1 : 0;
}
