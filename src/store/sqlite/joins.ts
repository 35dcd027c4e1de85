/** What reads of deliveries and events have in common in SQLite. */

/** `d` is a delivery. */
export const JOINED = `JOIN events AS e ON e.key = d.event LEFT JOIN webhooks AS w ON w.key = d.webhook`;

/** The key of the event of the namespace ?1 that readers know by the id ?2; NULL if there is none. */
export const EVENT_NAMED = `
  coalesce(
    (SELECT key FROM events WHERE id = ?2 AND namespace = ?1 AND (caller_id IS NULL OR shadowed = 1)),
    (SELECT event FROM event_ids WHERE namespace = ?1 AND id = ?2))`;

/** The places of the deliveries of the event ?1: those made when it came in, and replays. */
export const OF_EVENT = `
  SELECT d.ord FROM events AS e JOIN deliveries AS d ON d.ord >= e.first_ord AND d.ord < e.first_ord + e.made
  WHERE e.key = ?1 AND d.event = ?1
  UNION ALL SELECT ord FROM deliveries INDEXED BY deliveries_replay WHERE event = ?1 AND replay_of IS NOT NULL`;
