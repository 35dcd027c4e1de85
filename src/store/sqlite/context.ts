import type { Database } from './database.ts';
import { createHistory, type History } from './history.ts';

/** What the nouns in the worker share: the database, and the little that is worth knowing without asking it. */
export interface Context {
  readonly db: Database;
  readonly history: History;
  /** Removed webhooks of which rows still wait to be moved to history, and when each was removed. */
  readonly removed: Map<string, number>;
  /** The next place in order of arrival. */
  readonly takeOrd: () => number;
  /** Reads what is remembered from the database again, after a rollback. */
  readonly reload: () => void;
}

export function createContext(db: Database): Context {
  const selectRemoved = db.prepare<[id: string, removedAt: number]>(
    'SELECT id, removed_at FROM webhooks WHERE removed_at IS NOT NULL',
  );
  const [last] = db.prepare<[ord: number | null]>('SELECT max(ord) FROM waiting').get() ?? [null];
  const history = createHistory(db);
  const removed = new Map<string, number>();
  // A counter here is cheaper than AUTOINCREMENT, which writes a row of its own for each insert. Places
  // from before a restart may come again, but only those that nothing waiting has.
  let next = (last ?? 0) + 1;

  function reload(): void {
    history.recount();
    removed.clear();
    for (const [id, removedAt] of selectRemoved.all()) removed.set(id, removedAt);
  }

  reload();
  return { db, history, removed, takeOrd: () => next++, reload };
}
