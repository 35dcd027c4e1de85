import { MOVED, type MovedName } from '../moved.ts';
import { IS_RENDERED } from '../rows/codes.ts';

/** Where rows to be moved are read in SQLite: a table, or what makes the columns of one. */
export function sourceOf(kind: MovedName, history: boolean): string {
  const ofWaiting = history ? '' : 'AND d.state = 0';
  switch (kind) {
    case 'events':
      return history ? 'events' : `(SELECT * FROM events AS e WHERE ${IN_USE})`;
    case 'event_ids':
      return history ? 'event_ids' : EVENT_IDS;
    case 'deliveries':
      return history ? 'deliveries' : '(SELECT * FROM deliveries WHERE state = 0)';
    case 'renderings':
      return `(SELECT d.id AS delivery, r.headers, r.content_type, r.body
        FROM deliveries AS d CROSS JOIN renderings AS r ON r.ord = d.ord WHERE d.rendered = ${IS_RENDERED} ${ofWaiting})`;
    case 'journal':
      return `(SELECT j.seq, d.id AS delivery, j.state, j.reason, j.at, j.attempts, j.status, j.number, j.facts,
          j.headers, j.body
        FROM journal AS j CROSS JOIN deliveries AS d ON d.ord = j.ord ${ofWaiting})`;
    case 'journal_kept':
      // Whoever follows what happened misses what is left behind, and no place may come again.
      return `(SELECT ${history ? 'after' : 'max(after, last)'} AS after, max(ended, last) AS ended
        FROM journal_kept, (SELECT coalesce(max(seq), 0) AS last FROM journal))`;
    case 'last_attempts':
      return `(SELECT l.webhook, d.id AS delivery, l.at, l.status FROM last_attempts AS l
        LEFT JOIN journal AS j ON j.seq = l.seq LEFT JOIN deliveries AS d ON d.ord = j.ord ${ofWaiting})`;
    default:
      return MOVED[kind].name;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Whether a delivery of the event `e` waits. */
const IN_USE = `(EXISTS (
    SELECT 1 FROM deliveries AS d
    WHERE d.ord >= e.first_ord AND d.ord < e.first_ord + e.made AND d.event = e.key AND +d.state = 0)
  OR EXISTS (
    SELECT 1 FROM deliveries AS d INDEXED BY deliveries_replay
    WHERE d.event = e.key AND d.replay_of IS NOT NULL AND d.state = 0))`;

/** The id of an event that is left behind stays taken, as if the event had been swept. */
const EVENT_IDS = `(SELECT namespace, id, iif(kept, event, NULL) AS event, iif(kept, NULL, event_id) AS event_id,
    iif(kept, NULL, digest) AS digest, iif(kept, NULL, known_until) AS known_until, iif(kept, NULL, made) AS made
  FROM (
    SELECT n.namespace, n.id, n.event, coalesce(n.event_id, e.id) AS event_id, coalesce(n.digest, e.digest) AS digest,
      coalesce(n.known_until, e.known_until) AS known_until, coalesce(n.made, e.made) AS made,
      e.key IS NOT NULL AND ${IN_USE} AS kept
    FROM event_ids AS n LEFT JOIN events AS e ON e.key = n.event)
  WHERE kept OR known_until IS NOT NULL)`;
