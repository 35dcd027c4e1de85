import { readFrom } from '../rows/layout.ts';
import { RINGING as SHARED_RINGING } from '../rows/tables.ts';

/** `d` is a delivery. */
export const JOINED = 'JOIN @events AS e ON e.key = d.event LEFT JOIN @webhooks AS w ON w.key = d.webhook';

/**
 * The same, row by row: where it is not known how many deliveries there are when it is planned, the tables could be read
 * whole to be joined.
 */
export const JOINED_ONE_BY_ONE = `
  CROSS JOIN LATERAL (SELECT * FROM @events WHERE key = d.event OFFSET 0) AS e
  LEFT JOIN LATERAL (SELECT * FROM @webhooks WHERE key = d.webhook OFFSET 0) AS w ON true`;

/** A webhook, `w`, as whoever rings it reads it. */
export const RINGING = readFrom(SHARED_RINGING, {
  namespaceState: '(SELECT n.state FROM @namespaces AS n WHERE n.name = w.namespace)',
});

/** The key of the event of the namespace ?1 that readers know by the id ?2; NULL if there is none. */
export const EVENT_NAMED = `
  coalesce(
    (SELECT key FROM @events WHERE id = ?2 AND namespace = ?1 AND (caller_id IS NULL OR shadowed = 1)),
    (SELECT event FROM @event_ids WHERE namespace = ?1 AND id = ?2))`;
