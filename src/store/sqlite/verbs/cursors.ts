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
      (moved_at IS NOT NULL AND moved_at > ?1) OR (zone_rules IS NOT NULL AND zone_rules <> ?2)
    FROM webhooks INDEXED BY webhooks_run
    WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NOT NULL AND (run_due_at, id) > (?3, ?4)
    ORDER BY run_due_at, id LIMIT ${LOOKED_AT_MAX}`);
  // What is over is so by the clock: other time zone rules have nothing to do with it.
  const over = db.prepare<[id: string]>(`
    SELECT id FROM webhooks INDEXED BY webhooks_over
    WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NULL AND moved_at > ?1
    ORDER BY moved_at, id LIMIT ?2`);
  const move = db.prepare(`
    UPDATE webhooks SET ${CURSOR.assignments}
    WHERE id = ? AND version = ? AND nominal_at IS ? AND state = 'ACTIVE' AND removed_at IS NULL`);

  function moveOne(row: MoveRow): 'MOVED' | 'STALE' {
    const { changes } = move.run(...row[at.to], row[at.webhookId], row[at.version], row[at.from]);
    return changes === 0 ? 'STALE' : 'MOVED';
  }

  return {
    cursorsToRenew([movedAfter, zoneRules, afterDueAt, afterId]) {
      const found = upcoming.all(movedAfter, zoneRules, afterDueAt, afterId);
      const ids = found.filter(([, , aged]) => aged === 1).map(([id]) => id);
      const last = found.at(-1);
      if (last !== undefined && found.length === LOOKED_AT_MAX) return { ids, next: [last[0], last[1]] };
      for (const [id] of over.all(movedAfter, LOOKED_AT_MAX)) ids.push(id);
      return { ids, next: null };
    },
    moveCursors: (rows) => rows.map(moveOne),
  };
}
