/** Columns in the order of the tuples, for statements that read them. */
import { CANCELLED, REMOVED } from './tuples.ts';

/** `EventRow` without the body. */
export const EVENT_COLUMNS = `id, caller_id, namespace, type, source, subject, time, nominal_at, content_type,
  headers, created_at`;

/** `WaitingRow`. */
export const WAITING_COLUMNS = `d.ord, d.id, w.id, e.id, d.due_at, d.attempts, d.attempts_before, d.ending,
  d.format, d.rendered`;

/** `DeliveryRow`: what waits reads as cancelled once its webhook is removed, whether or not it was yet. */
export const DELIVERY_COLUMNS = `d.id, d.namespace, coalesce(w.id, ''), coalesce(e.caller_id, e.id), d.type,
  iif(d.state = 0 AND w.removed_at IS NOT NULL, ${CANCELLED}, d.state),
  iif(d.state = 0 AND w.removed_at IS NOT NULL, ${REMOVED}, d.reason), d.attempts,
  iif(d.state = 0, coalesce(w.removed_at, d.due_at), d.finished_at), e.nominal_at, d.created_at, d.last_status,
  nullif(d.replay_of, '')`;

/** `d` is a delivery. */
export const JOINED = `JOIN events AS e ON e.key = d.event LEFT JOIN webhooks AS w ON w.key = d.webhook`;

/** The places of the deliveries of the event ?1: those made when it came in, and replays. */
export const OF_EVENT = `
  SELECT d.ord FROM events AS e JOIN deliveries AS d ON d.ord >= e.first_ord AND d.ord < e.first_ord + e.made
  WHERE e.key = ?1 AND d.event = ?1
  UNION ALL SELECT ord FROM deliveries INDEXED BY deliveries_replay WHERE event = ?1 AND replay_of IS NOT NULL`;
