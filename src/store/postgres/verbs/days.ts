import { IS_RENDERED } from '../../rows/codes.ts';
import type { Context } from '../context.ts';
import type { Statement } from '../database.ts';
import { CLOSING, DETACHED, FREE, idsOf, OVER, tableOf } from '../space/days.ts';
import { createDeletion } from './deletion.ts';

/**
 * What is done with the rows of days that are to go, a bounded number at a time. The tables themselves are detached and
 * dropped beside it (`partitions.ts`). Where it is stands in the database, so a crash loses nothing and does nothing twice.
 */
export interface DayRemoval {
  /** Returns how many rows it looked at; 0 when there is nothing to do. */
  readonly step: (now: number, limit: number) => Promise<number>;
}

/** Deliveries whose entries of the journal are moved at a time: each can have many. */
const MOVED_MAX = 100;

type Finished = [id: string, event: number, rendered: number];

export function createDayRemoval(context: Context): DayRemoval {
  const { db, journal, lastAttempts } = context;
  const deletion = createDeletion(context);
  const selectDay = db.prepare<[day: number, state: number, place: string]>(`
    SELECT day, state, place FROM @days WHERE state IN (${CLOSING}, ${DETACHED}) ORDER BY day LIMIT 1
    FOR UPDATE SKIP LOCKED`);
  const goOn = db.prepare('UPDATE @days SET state = ?2, place = ?3 WHERE day = ?1');
  // What waits, and what was finished on a later day, is kept for longer than its day.
  const selectKept = db.prepare<[id: string]>(`
    SELECT id FROM (
      (SELECT id FROM @waiting WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3)
      UNION ALL
      (SELECT id FROM @history_rest WHERE id > ?1 AND id < ?2 ORDER BY id LIMIT ?3)) AS kept
    ORDER BY id LIMIT ?3`);
  const deleteRendered = db.prepare('DELETE FROM @renderings WHERE id = ANY(?)');
  /** Of the day that is being walked through. */
  let tables:
    | { day: number; finished: Statement<Finished>; latest: Statement<[seq: number | null]> }
    | undefined;

  function tablesOf(day: number) {
    if (tables?.day === day) return tables;
    const finished = db.prepare<Finished>(`
      SELECT id, event, rendered FROM @${tableOf('history', day)} WHERE id > ? ORDER BY id LIMIT ?`);
    const latest = db.prepare<[seq: number | null]>(`SELECT max(seq) FROM @${tableOf('journal', day)}`);
    tables = { day, finished, latest };
    return tables;
  }

  /** Moves entries of the journal that are kept out of a day's table. */
  async function move(day: number, place: string, limit: number): Promise<number> {
    const [first, next] = idsOf(day);
    const most = Math.min(limit, MOVED_MAX);
    const kept = (await selectKept.all(place === '' ? first : place, next, most)).map(([id]) => id);
    if (kept.length > 0) await journal.setApart(kept);
    if (kept.length < most) await goOn.run(day, OVER, '');
    else await goOn.run(day, CLOSING, kept.at(-1)!);
    return Math.max(1, kept.length);
  }

  /** Deletes what hangs on the deliveries of a day that nobody finds any more. */
  async function release(day: number, place: string, now: number, limit: number): Promise<number> {
    const { finished, latest } = tablesOf(day);
    if (place === '') {
      const seq = (await latest.get())?.[0] ?? 0;
      await lastAttempts.left(seq);
      await journal.keep(seq);
    }
    const rows = await finished.all(place, limit);
    const perEvent = new Map<number, number>();
    for (const [, event] of rows) perEvent.set(event, (perEvent.get(event) ?? 0) + 1);
    const rendered = rows.filter(([, , how]) => how === IS_RENDERED).map(([id]) => id);
    if (rendered.length > 0) await deleteRendered.run(rendered);
    // Such as of an attempt that came in late.
    await journal.forget(rows.map(([id]) => id));
    await deletion.release(perEvent);
    await deletion.events([...perEvent.keys()], now);
    if (rows.length < limit) await goOn.run(day, FREE, '');
    else await goOn.run(day, DETACHED, rows.at(-1)![0]);
    return Math.max(1, rows.length);
  }

  return {
    async step(now, limit) {
      if (limit <= 0) return 0;
      const [day, state, place] = (await selectDay.get()) ?? [];
      if (day === undefined || place === undefined) return 0;
      return state === CLOSING ? move(day, place, limit) : release(day, place, now, limit);
    },
  };
}
