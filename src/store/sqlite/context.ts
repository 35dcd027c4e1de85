import { type Counters, createCounters } from './counters.ts';
import type { Database } from './database.ts';
import type { Memory } from './group.ts';
import { createHistory, type History } from './history.ts';

/** What the nouns in the worker share: the database, and the little that is worth knowing without asking it. */
export interface Context {
  readonly db: Database;
  readonly history: History;
  readonly waiting: Counters;
  readonly bounds: WaitingBounds;
  /** Removed webhooks of which rows still wait to be moved to history, and when each was removed. */
  readonly removed: Map<string, number>;
  /** The next place in order of arrival. */
  readonly takeOrd: () => number;
  /** All of this, for whoever rolls back. */
  readonly memory: Memory;
}

/** How many deliveries may wait. */
export interface WaitingBounds {
  readonly waitingMax: number;
  readonly namespaceWaitingMax: number;
}

export function createContext(db: Database, bounds: WaitingBounds): Context {
  const selectRemoved = db.prepare<[id: string, removedAt: number]>(
    'SELECT id, removed_at FROM webhooks WHERE removed_at IS NOT NULL',
  );
  const [last] = db.prepare<[ord: number | null]>('SELECT max(ord) FROM waiting').get() ?? [null];
  const counts = db.prepare<[namespace: string, count: number]>(
    'SELECT namespace, count(*) FROM waiting GROUP BY namespace',
  );
  const waiting = createCounters(counts.all());
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
  const memory: Memory = {
    begin: waiting.begin,
    mark: waiting.mark,
    undo(mark) {
      waiting.undo(mark);
      reload();
    },
  };
  return { db, history, waiting, bounds, removed, takeOrd: () => next++, memory };
}
