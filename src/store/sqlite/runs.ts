import type { Context } from './context.ts';
import { createInsertion } from './insertion.ts';
import { type EndingCode, type FiringRow, SUPERSEDED, type Verbs, type WaitingRow } from './protocol.ts';
import { WAITING_COLUMNS } from './waiting.ts';

export function runVerbs(context: Context): Pick<Verbs, 'upcomingRuns' | 'fireRuns'> {
  const { db } = context;
  const insertion = createInsertion(context);

  // The conditions on state repeat those of the index `webhooks_run`: only then is it used.
  const upcoming = db.prepare<[id: string, dueAt: number]>(`
    SELECT id, run_due_at FROM webhooks
    WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NOT NULL
      AND run_due_at < ?1 AND (run_due_at, id) > (?3, ?4)
    ORDER BY run_due_at, id LIMIT ?2`);
  const advance = db.prepare(`
    UPDATE webhooks SET anchor_at = ?, nominal_at = ?, run_due_at = ?, fired = ?, skipped = ?
    WHERE id = ? AND version = ? AND nominal_at = ? AND state = 'ACTIVE' AND removed_at IS NULL`);
  const selectRun = db.prepare<[ending: EndingCode]>(
    'SELECT ending FROM waiting WHERE webhook_id = ? AND run = 1 ORDER BY ending LIMIT 1',
  );
  const supersede = db.prepare<WaitingRow>(`
    UPDATE waiting INDEXED BY waiting_run SET ending = ${SUPERSEDED}
    WHERE webhook_id = ? AND run = 1 AND ending = 0
    RETURNING ${WAITING_COLUMNS}`);

  /** Most runs have nothing to supersede, and seeing that costs less than an update of nothing. */
  function supersedeBefore(webhookId: string): WaitingRow[] {
    return selectRun.get(webhookId)?.[0] === 0 ? supersede.all(webhookId) : [];
  }

  function fireOne(row: FiringRow, ords: number[], ending: WaitingRow[]) {
    const [webhookId, version, from, to, overlap, now, events, deliveries] = row;
    const [anchorAt, nominalAt, dueAt, fired, skipped] = to;
    const runs = events.length;
    const overlaps = overlap === 'SKIP' && runs > 0 && selectRun.get(webhookId) !== undefined;
    const left = overlaps ? runs : 0;
    const { changes } = advance.run(
      anchorAt,
      nominalAt,
      dueAt,
      fired - left,
      skipped + left,
      webhookId,
      version,
      from,
    );
    if (changes === 0) return 'STALE';
    if (overlaps) return 'SKIPPED';

    const added = events.map((event) => insertion.event(event, 1));
    // Before the new ones are there: the runs of one firing do not supersede each other.
    if (overlap === 'SUPERSEDE' && added.includes(true)) ending.push(...supersedeBefore(webhookId));
    for (const [i, event] of events.entries()) {
      ords.push(added[i] ? insertion.waiting(deliveries[i]!, event, now, 1) : 0);
    }
    return 'FIRED';
  }

  return {
    upcomingRuns: (args) => upcoming.all(...args),
    fireRuns(rows) {
      const ords: number[] = [];
      const ending: WaitingRow[] = [];
      return { results: rows.map((row) => fireOne(row, ords, ending)), ords, ending };
    },
  };
}
