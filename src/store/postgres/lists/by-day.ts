import type { Database } from '../database.ts';
import { DETACHED, idsOf } from '../space/days.ts';
import { ENTRY, type Entry } from './reading.ts';

/** Reads what is finished of an owner, in the order of ids, beyond one of them. */
export type ReadFinished = (owner: string | number, from: string, limit: number) => Promise<Entry[]>;

/**
 * Days follow each other as ids do, so the nearest is read first, and others only where that is not enough: then twice as
 * many at a time. To plan a statement takes longer with each day that it may look into, and most need one or two.
 */
export function createReadFinished(
  db: Database,
  ascending: boolean,
  { owner, rest }: { readonly owner: string; readonly rest: string },
): ReadFinished {
  const { id } = ENTRY.at;
  const [beyond, upTo, direction] = ascending ? ['>', '<', 'ASC'] : ['<', '>=', 'DESC'];
  const selectDays = db.prepare<[day: number]>(
    `SELECT day FROM @days WHERE state < ${DETACHED} ORDER BY day ${direction}`,
  );
  const read = (table: string, bound: string) =>
    db.prepare<Entry>(`
      SELECT id, created_at, type, state, last_status FROM ${table}
      WHERE ${owner} = ?1 AND id ${beyond} ?2 ${bound} ${rest} ORDER BY id ${direction} LIMIT ?3`);
  const ofDays = read('@history_days', `AND id ${upTo} ?4`);
  const ofRest = read('@history_rest', '');

  async function inDays(of: string | number, from: string, limit: number): Promise<Entry[]> {
    // Of the days that are not passed over altogether.
    const days = (await selectDays.all())
      .map(([day]) => idsOf(day))
      .filter(([first, next]) => (ascending ? next > from : first < from));
    const found: Entry[] = [];
    let place = from;
    for (let at = 0, count = 1; at < days.length && found.length < limit; at += count, count *= 2) {
      const [first, next] = days[Math.min(at + count, days.length) - 1]!;
      const bound = ascending ? next : first;
      found.push(...(await ofDays.all(of, place, limit - found.length, bound)));
      // No id is as short as a bound, so nothing lies on it.
      place = bound;
    }
    return found;
  }

  return async (of, from, limit) => {
    const [days, others] = await Promise.all([inDays(of, from, limit), ofRest.all(of, from, limit)]);
    if (others.length === 0) return days;
    const all = [...days, ...others];
    all.sort((a, b) => (a[id] < b[id] === ascending ? -1 : 1));
    return all.slice(0, limit);
  };
}
