import type { Database } from './database.ts';

/** The ids that callers gave to events: which event each names, and what is still known of one that is gone. */
export interface EventIds {
  readonly nameOf: (namespace: string, id: string) => string;
  /** What became of the events that have these ids, by their names; those that are free are left out. */
  readonly recall: (
    named: readonly { readonly namespace: string; readonly id: string; readonly now: number }[],
  ) => Promise<Map<string, Known>>;
  /** These events are about to be deleted: their ids are free, or stay taken until their time is over. */
  readonly release: (keys: readonly number[], now: number) => Promise<void>;
  /** Frees ids whose event is gone and whose time is over. Returns how many. */
  readonly forget: (now: number, limit: number) => Promise<number>;
}

export type Known = readonly [eventId: string, digest: string | null, made: number];

export function createEventIds(db: Database): EventIds {
  const select = db.prepare<[namespace: string, id: string, ...Known, knownUntil: number | null]>(`
    SELECT n.namespace, n.id, coalesce(n.event_id, e.id), coalesce(n.digest, e.digest), coalesce(n.made, e.made),
      CASE WHEN n.event IS NULL THEN n.known_until END
    FROM unnest(?::text[], ?::text[]) AS v (namespace, id)
    JOIN @event_ids AS n ON n.namespace = v.namespace AND n.id = v.id LEFT JOIN @events AS e ON e.key = n.event`);
  const keep = db.prepare(`
    UPDATE @event_ids AS n
    SET event = NULL, event_id = e.id, digest = e.digest, known_until = e.known_until, made = e.made
    FROM @events AS e
    WHERE e.key = ANY(?) AND e.known_until > ? AND n.namespace = e.namespace AND n.id = e.caller_id AND n.event = e.key`);
  const clear = db.prepare(`
    DELETE FROM @event_ids AS n USING @events AS e
    WHERE e.key = ANY(?) AND n.namespace = e.namespace AND n.id = e.caller_id AND n.event = e.key`);
  const forget = db.prepare(`
    DELETE FROM @event_ids WHERE (namespace, id) IN (
      SELECT namespace, id FROM @event_ids WHERE event IS NULL AND known_until <= ? ORDER BY known_until LIMIT ?)`);
  // A namespace has no space in its name.
  const nameOf = (namespace: string, id: string): string => `${namespace} ${id}`;

  return {
    nameOf,
    async recall(named) {
      const known = new Map<string, Known>();
      if (named.length === 0) return known;
      const nowOf = new Map(named.map(({ namespace, id, now }) => [nameOf(namespace, id), now]));
      const rows = await select.all(
        named.map(({ namespace }) => namespace),
        named.map(({ id }) => id),
      );
      for (const [namespace, id, eventId, digest, made, knownUntil] of rows) {
        const name = nameOf(namespace, id);
        const isFree = knownUntil !== null && knownUntil <= nowOf.get(name)!;
        if (!isFree) known.set(name, [eventId, digest, made]);
      }
      return known;
    },
    async release(keys, now) {
      await keep.run(keys, now);
      await clear.run(keys);
    },
    forget: async (now, limit) => (limit <= 0 ? 0 : forget.run(now, limit)),
  };
}
