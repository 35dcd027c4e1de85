import { statSync } from 'node:fs';
import type { Context } from '../context.ts';
import { BUSY_MS, LOG_BYTES_MAX } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** How long to wait for somebody else's read to end: meanwhile nobody has the database. */
const READER_WAIT_MS = 200;

export function logVerbs({ db, log }: Pick<Context, 'db' | 'log'>, path: string): Pick<Verbs, 'emptyLog'> {
  const checkpoint = db.prepare<[busy: number]>('PRAGMA wal_checkpoint(TRUNCATE)');

  /** It is larger than it grows by itself: somebody was reading, or is. */
  function isLarge(): boolean {
    return (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX;
  }

  return {
    emptyLog() {
      // A log that is cut has to grow again, for nothing if it was only reused.
      if (!log.holdsErased && !isLarge()) return true;
      db.exec(`PRAGMA busy_timeout = ${READER_WAIT_MS}`);
      try {
        const emptied = checkpoint.get()?.[0] === 0;
        if (emptied) log.holdsErased = false;
        return emptied;
      } finally {
        db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      }
    },
  };
}
