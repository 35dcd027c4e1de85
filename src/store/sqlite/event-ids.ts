import type { Flag } from '../rows/codes.ts';
import type { Database } from './database.ts';

/** The ids that callers gave to events: which event each names, and what is still known of one that is gone. */
export interface EventIds {
  /** What became of the event that has an id. Undefined if the id is free. */
  recall(namespace: string, id: string, now: number): Known | undefined;
  /** Gives an event an id that `recall` found to be free. */
  give(namespace: string, id: string, event: number): void;
  /** The event is about to be deleted: its id is free, or stays taken until its time is over. */
  release(named: Named, now: number): void;
  /** Frees ids whose event is gone and whose time is over. Returns how many. */
  forget(now: number, limit: number): number;
}

export type Known = readonly [eventId: string, digest: string | null, made: number];

export interface Named {
  readonly key: number;
  readonly namespace: string;
  readonly callerId: string;
  readonly knownUntil: number;
}

export function createEventIds(db: Database): EventIds {
  const select = db.prepare<[...Known, isFree: Flag]>(`
    SELECT coalesce(n.event_id, e.id), coalesce(n.digest, e.digest), coalesce(n.made, e.made),
      n.event IS NULL AND n.known_until <= ?3
    FROM event_ids AS n LEFT JOIN events AS e ON e.key = n.event
    WHERE n.namespace = ?1 AND n.id = ?2`);
  const free = db.prepare('DELETE FROM event_ids WHERE namespace = ? AND id = ?');
  const insert = db.prepare('INSERT INTO event_ids (namespace, id, event) VALUES (?, ?, ?)');
  // In old databases the id can be another event's: see `shadowed`.
  const clear = db.prepare('DELETE FROM event_ids WHERE namespace = ? AND id = ? AND event = ?');
  const keep = db.prepare(`
    UPDATE event_ids SET event = NULL, (event_id, digest, known_until, made) =
      (SELECT e.id, e.digest, e.known_until, e.made FROM events AS e WHERE e.key = event)
    WHERE namespace = ? AND id = ? AND event = ?`);
  const forget = db.prepare(`
    DELETE FROM event_ids WHERE (namespace, id) IN (
      SELECT namespace, id FROM event_ids INDEXED BY event_ids_left
      WHERE event IS NULL AND known_until <= ? LIMIT ?)`);

  return {
    recall(namespace, id, now) {
      const found = select.get(namespace, id, now);
      if (found === undefined) return undefined;
      const [eventId, digest, made, isFree] = found;
      if (isFree === 0) return [eventId, digest, made];
      // Its time is over, and it was not swept yet.
      free.run(namespace, id);
      return undefined;
    },
    give: (namespace, id, event) => void insert.run(namespace, id, event),
    release({ key, namespace, callerId, knownUntil }, now) {
      (knownUntil > now ? keep : clear).run(namespace, callerId, key);
    },
    forget: (now, limit) => Number(forget.run(now, limit).changes),
  };
}
