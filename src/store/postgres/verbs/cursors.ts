import { MOVE, type MoveRow } from '../../rows/messages.ts';
import { CURSOR } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';

/** Webhooks looked at in one call, which takes a few milliseconds. */
const LOOKED_AT_MAX = 5_000;

export function cursorVerbs({ db }: Context): Pick<Verbs, 'cursorsToRenew' | 'moveCursors'> {
  const { at } = MOVE;
  // Both read their index alone, whose conditions they repeat.
  const upcoming = db.prepare<[id: string, dueAt: number, aged: number]>(`
    SELECT id, run_due_at,
      (coalesce(moved_at > ?1, false) OR coalesce(zone_rules <> ?2, false))::integer
    FROM @webhooks
    WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NOT NULL
      AND (run_due_at, id) > (?3::bigint, ?4::text)
    ORDER BY run_due_at, id LIMIT ${LOOKED_AT_MAX}`);
  // What is over is so by the clock: other time zone rules have nothing to do with it.
  const over = db.prepare<[id: string]>(`
    SELECT id FROM @webhooks
    WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NULL AND moved_at > ?
    ORDER BY moved_at, id LIMIT ?`);
  const move = db.prepare(`
    UPDATE @webhooks SET ${CURSOR.assignments}
    WHERE id = ? AND version = ? AND nominal_at IS NOT DISTINCT FROM ? AND state = 'ACTIVE' AND removed_at IS NULL`);

  async function moveOne(row: MoveRow): Promise<'MOVED' | 'STALE'> {
    const moved = await move.run(...row[at.to], row[at.webhookId], row[at.version], row[at.from]);
    return moved === 0 ? 'STALE' : 'MOVED';
  }

  return {
    async cursorsToRenew([movedAfter, zoneRules, afterDueAt, afterId]) {
      const found = await upcoming.all(movedAfter, zoneRules, afterDueAt, afterId);
      const ids = found.filter(([, , aged]) => aged === 1).map(([id]) => id);
      const last = found.at(-1);
      if (last !== undefined && found.length === LOOKED_AT_MAX) return { ids, next: [last[0], last[1]] };
      for (const [id] of await over.all(movedAfter, LOOKED_AT_MAX)) ids.push(id);
      return { ids, next: null };
    },
    async moveCursors(rows) {
      const results: ('MOVED' | 'STALE')[] = [];
      for (const row of rows) results.push(await moveOne(row));
      return results;
    },
  };
}
