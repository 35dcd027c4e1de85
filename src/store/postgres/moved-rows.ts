import { MOVED, type MovedName } from '../moved.ts';

/** Where rows to be moved are read in PostgreSQL: a table, or what makes the columns of one. */
export function sourceOf(kind: MovedName, history: boolean): string {
  const deliveries = history ? '@deliveries' : '@waiting';
  switch (kind) {
    case 'events':
      return history ? '@events' : `(SELECT e.* FROM @events AS e WHERE ${IN_USE}) AS moved`;
    case 'event_ids':
      return history ? '@event_ids' : EVENT_IDS;
    case 'deliveries':
      return history ? '@deliveries' : '(SELECT * FROM @deliveries WHERE state = 0) AS moved';
    case 'renderings':
      return `(SELECT r.id AS delivery, r.headers, r.content_type, r.body FROM @renderings AS r
        WHERE EXISTS (SELECT 1 FROM ${deliveries} AS d WHERE d.id = r.id)) AS moved`;
    case 'journal':
      return `(SELECT j.* FROM @journal AS j
        WHERE EXISTS (SELECT 1 FROM ${deliveries} AS d WHERE d.id = j.delivery)) AS moved`;
    case 'journal_kept':
      // Whoever follows what happened misses what is left behind, and no place may come again.
      return `(SELECT ${history ? 'after' : 'greatest(after, last)'} AS after, greatest(ended, last) AS ended
        FROM @journal_kept, (SELECT coalesce(max(seq), 0) AS last FROM @journal) AS j) AS moved`;
    case 'last_attempts':
      return `(SELECT l.webhook, d.id AS delivery, l.at, l.status
        FROM @last_attempts AS l LEFT JOIN ${deliveries} AS d ON d.id = l.delivery) AS moved`;
    default:
      return `@${MOVED[kind].name}`;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Whether a delivery of the event `e` waits. */
const IN_USE = 'EXISTS (SELECT 1 FROM @waiting AS d WHERE d.event = e.key)';

/** The id of an event that is left behind stays taken, as if the event had been swept. */
const EVENT_IDS = `(
  SELECT namespace, id, CASE WHEN kept THEN event END AS event, CASE WHEN NOT kept THEN event_id END AS event_id,
    CASE WHEN NOT kept THEN digest END AS digest, CASE WHEN NOT kept THEN known_until END AS known_until,
    CASE WHEN NOT kept THEN made END AS made
  FROM (
    SELECT n.namespace, n.id, n.event, coalesce(n.event_id, e.id) AS event_id, coalesce(n.digest, e.digest) AS digest,
      coalesce(n.known_until, e.known_until) AS known_until, coalesce(n.made, e.made) AS made,
      e.key IS NOT NULL AND ${IN_USE} AS kept
    FROM @event_ids AS n LEFT JOIN @events AS e ON e.key = n.event) AS known
  WHERE kept OR known_until IS NOT NULL) AS moved`;
