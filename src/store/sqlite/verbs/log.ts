import { statSync } from 'node:fs';
import type { Context } from '../context.ts';
import { BUSY_MS, type DatabaseFile, LOG_BYTES_MAX, READER_WAIT_MS } from '../database.ts';
import type { Verbs } from '../protocol.ts';

export function logVerbs(
  { db, log }: Pick<Context, 'db' | 'log'>,
  file: DatabaseFile | undefined,
  onEmptied: () => void,
): Pick<Verbs, 'emptyLog' | 'rewrite' | 'tidy'> {
  const checkpoint = db.prepare<[busy: number]>('PRAGMA wal_checkpoint(TRUNCATE)');

  /** It is larger than it grows by itself: somebody was reading, or is. */
  function isLarge(): boolean {
    if (file === undefined) return false;
    return (statSync(`${file.path}-wal`, { throwIfNoEntry: false })?.size ?? 0) > LOG_BYTES_MAX;
  }

  function empty(): boolean {
    db.exec(`PRAGMA busy_timeout = ${READER_WAIT_MS}`);
    try {
      const emptied = checkpoint.get()?.[0] === 0;
      if (emptied) {
        log.holdsErased = false;
        onEmptied();
      }
      return emptied;
    } finally {
      db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
    }
  }

  return {
    // A log that is cut has to grow again, for nothing if it was only reused.
    emptyLog: () => (!log.holdsErased && !isLarge()) || empty(),

    // Nothing of it is done beside others.
    tidy: () => null,

    rewrite() {
      // The copy that SQLite makes is as large as the database, and would be in memory otherwise.
      db.exec('PRAGMA temp_store = FILE');
      try {
        db.exec('VACUUM');
      } finally {
        db.exec('PRAGMA temp_store = MEMORY');
      }
      return empty();
    },
  };
}
