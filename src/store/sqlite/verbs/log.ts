import type { Context } from '../context.ts';
import { BUSY_MS } from '../database.ts';
import type { Verbs } from '../protocol.ts';

/** How long to wait for somebody else's read to end: meanwhile nobody has the database. */
const READER_WAIT_MS = 200;

export function logVerbs({ db }: Pick<Context, 'db'>): Pick<Verbs, 'emptyLog'> {
  const checkpoint = db.prepare<[busy: number]>('PRAGMA wal_checkpoint(TRUNCATE)');
  return {
    emptyLog() {
      db.exec(`PRAGMA busy_timeout = ${READER_WAIT_MS}`);
      try {
        return checkpoint.get()?.[0] === 0;
      } finally {
        db.exec(`PRAGMA busy_timeout = ${BUSY_MS}`);
      }
    },
  };
}
