import { type Flag, IS_RENDERED, PURGED, type RenderedCode } from '../../rows/codes.ts';
import type { WaitingRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { EVENT_NAMED, OF_EVENT } from '../joins.ts';
import type { Verbs } from '../protocol.ts';
import { overwriting } from './overwriting.ts';
import { waitingReader } from './waiting.ts';

/** Takes the data away from events. */
export interface Erasure {
  /** Erases the data of an event, and what was made of it. Its deliveries stay, also those that wait. */
  erase(key: number): void;
}

export function createErasure({ db, journal, log }: Pick<Context, 'db' | 'journal' | 'log'>): Erasure {
  const eraseEvent = db.prepare(
    'UPDATE events SET body = NULL, headers = NULL, extensions = NULL WHERE key = ?',
  );
  const selectDeliveries = db.prepare<[ord: number, rendered: RenderedCode, hasMessage: Flag]>(
    `SELECT ord, rendered, message IS NOT NULL FROM deliveries WHERE ord IN (${OF_EVENT})`,
  );
  // It can show a part of what could not be rendered.
  const eraseMessage = db.prepare('UPDATE deliveries SET message = NULL WHERE ord = ?');
  const eraseRendered = db.prepare('DELETE FROM renderings WHERE ord = ?');
  return {
    erase(key) {
      log.holdsErased = true;
      eraseEvent.run(key);
      for (const [ord, rendered, hasMessage] of selectDeliveries.all(key)) {
        journal.erase(ord);
        if (rendered === IS_RENDERED) eraseRendered.run(ord);
        if (hasMessage === 1) eraseMessage.run(ord);
      }
    },
  };
}

export function purgeVerbs(context: Context): Pick<Verbs, 'purgeEvents'> {
  const { db, erased } = context;
  const erasure = createErasure(context);
  const select = db.prepare<[key: number | null]>(`SELECT ${EVENT_NAMED}`);
  const end = db.prepare<[ord: number]>(`
    UPDATE deliveries SET ending = ${PURGED}
    WHERE ord IN (${OF_EVENT}) AND +state = 0 AND +webhook IN (SELECT key FROM webhooks WHERE removed_at IS NULL)
    RETURNING ord`);
  const readWaiting = waitingReader(db);

  function purgeOne([namespace, id]: [string, string], changed: WaitingRow[]): 'GONE' | number {
    const key = select.get(namespace, id)?.[0] ?? null;
    if (key === null) return 'GONE';
    erasure.erase(key);
    const ended = end.all(key);
    for (const [ord] of ended) {
      erased.add(ord);
      changed.push(readWaiting(ord));
    }
    return ended.length;
  }

  return {
    purgeEvents(rows) {
      const changed: WaitingRow[] = [];
      const results = overwriting(db, () => rows.map((row) => purgeOne(row, changed)));
      return { results, changed };
    },
  };
}
