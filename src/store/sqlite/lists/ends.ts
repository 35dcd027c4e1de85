import type { Database } from '../database.ts';
import type { Catalog } from './catalog.ts';

/**
 * The finished deliveries by the time at which they were finished. Like every list, it does not have the
 * newest deliveries yet: those enter it together, with what is finished of them by then.
 */
export interface Ends {
  /** Notes that a delivery was finished, if the list is to have it already. */
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
