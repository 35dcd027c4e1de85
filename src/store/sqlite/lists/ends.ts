import type { Database } from '../database.ts';
import type { Catalog } from './catalog.ts';

/**
 * The list of finished deliveries by the time at which they were finished. Like every list, it does not have
 * the newest deliveries yet. When those are entered together, the finished ones among them enter this list.
 */
export interface Ends {
  /** Notes that a delivery was finished, unless it is too new to be in a list. */
  readonly add: (ord: number, finishedAt: number) => void;
  /** Forgets a delivery that was finished then. */
  readonly remove: (ord: number, finishedAt: number) => void;
}

export function createEnds(db: Database, deliveries: Catalog): Ends {
  const insert = db.prepare('INSERT OR IGNORE INTO delivery_ends (finished_at, key) VALUES (?, ?)');
  const clear = db.prepare('DELETE FROM delivery_ends WHERE finished_at = ? AND key = ?');
  return {
    add(ord, finishedAt) {
      if (deliveries.has(ord)) insert.run(finishedAt, ord);
    },
    remove: (ord, finishedAt) => void clear.run(finishedAt, ord),
  };
}
