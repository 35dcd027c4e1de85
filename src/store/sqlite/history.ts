import type { Database } from './database.ts';

/**
 * Where finished deliveries go: first to `settled`, then many at a time to `deliveries`, which has the
 * indexes. Readers look in both; `settled` is small enough to be read through.
 */
export interface History {
  /** Notes that rows were inserted into `settled`. */
  readonly grew: (rows: number) => void;
  /** Moves what is in `settled` on, if it is enough, or in any case. */
  readonly settle: (when: 'ENOUGH' | 'ALWAYS') => void;
  /** Counts again, after a rollback. */
  readonly recount: () => void;
}

/** Rows in `settled`, at which they move on: about ten milliseconds of work. */
const SETTLED_MAX = 2_048;

export function createHistory(db: Database): History {
  const count = db.prepare<[rows: number]>('SELECT count(*) FROM settled');
  const copy = db.prepare('INSERT OR IGNORE INTO deliveries SELECT * FROM settled ORDER BY id');
  const clear = db.prepare('DELETE FROM settled');
  let rows = 0;

  const recount = (): void => {
    rows = count.get()?.[0] ?? 0;
  };
  recount();

  return {
    grew: (more) => {
      rows += more;
    },
    settle: (when) => {
      if (rows === 0 || (when === 'ENOUGH' && rows < SETTLED_MAX)) return;
      copy.run();
      clear.run();
      rows = 0;
    },
    recount,
  };
}
