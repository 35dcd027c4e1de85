import { PURGED } from '../../rows/codes.ts';
import type { Context } from '../context.ts';
import { EVENT_NAMED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';
import { waitingReader } from './waiting.ts';

/** Takes the data away from events. */
export interface Erasure {
  /** Erases the data of events, and what was made of it. Their deliveries stay, also those that wait. */
  readonly erase: (keys: readonly number[]) => Promise<void>;
}

export function createErasure({ db, journal, erased }: Pick<Context, 'db' | 'journal' | 'erased'>): Erasure {
  const eraseEvents = db.prepare(
    'UPDATE @events SET body = NULL, headers = NULL, extensions = NULL WHERE key = ANY(?)',
  );
  const selectDeliveries = db.prepare<[id: string]>('SELECT id FROM @deliveries WHERE event = ANY(?)');
  // It can show a part of what could not be rendered.
  const eraseMessages = db.prepare(
    'UPDATE @history SET message = NULL WHERE event = ANY(?) AND message IS NOT NULL',
  );
  const eraseRendered = db.prepare('DELETE FROM @renderings WHERE id = ANY(?)');
  return {
    async erase(keys) {
      if (keys.length === 0) return;
      erased.in('events');
      const [deliveries] = await Promise.all([
        selectDeliveries.all(keys),
        eraseEvents.run(keys),
        eraseMessages.run(keys),
      ]);
      const ids = deliveries.map(([id]) => id);
      if (ids.length === 0) return;
      erased.in('renderings');
      erased.of('history', ids);
      erased.of('journal', ids);
      await Promise.all([journal.erase(ids), eraseRendered.run(ids)]);
    },
  };
}

export function purgeVerbs(context: Context): Pick<Verbs, 'purgeEvents'> {
  const { db } = context;
  const erasure = createErasure(context);
  const select = db.prepare<[key: number | null]>(`SELECT ${EVENT_NAMED}`);
  const end = db.prepare<[id: string]>(`
    UPDATE @waiting SET ending = ${PURGED}, xid = pg_current_xact_id()
    WHERE event = ? AND webhook IN (SELECT key FROM @webhooks WHERE key = webhook AND removed_at IS NULL)
    RETURNING id`);
  const readWaiting = waitingReader(db);

  async function purgeOne([namespace, id]: [string, string], changed: string[]): Promise<'GONE' | number> {
    const key = (await select.get(namespace, id))?.[0] ?? null;
    if (key === null) return 'GONE';
    await erasure.erase([key]);
    const ended = await end.all(key);
    for (const [delivery] of ended) changed.push(delivery);
    return ended.length;
  }

  return {
    async purgeEvents(rows) {
      const changed: string[] = [];
      const results: ('GONE' | number)[] = [];
      for (const row of rows) results.push(await purgeOne(row, changed));
      const waiting = await readWaiting(changed);
      return { results, changed: waiting.sort((a, b) => a[0] - b[0]) };
    },
  };
}
