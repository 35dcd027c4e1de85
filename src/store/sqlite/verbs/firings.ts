import type { Answer, FireCode } from '../../calls/shapes.ts';
import { KEPT, RUN, SUPERSEDED, SUPERSEDING } from '../../rows/codes.ts';
import { FIRING, type FiringRow } from '../../rows/messages.ts';
import { CURSOR, type WaitingRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Hook } from '../hooks.ts';
import type { Verbs } from '../protocol.ts';
import { createRunInsertion } from './run-insertion.ts';
import { waitingReader } from './waiting.ts';

export function runVerbs(context: Context): Pick<Verbs, 'upcomingRuns' | 'fireRuns'> {
  const { db, hooks, turns, tenants } = context;
  const { at } = FIRING;
  const insertion = createRunInsertion(context);

  // The conditions on state repeat those of the index `webhooks_run`; without them it would not be used.
  const upcoming = db.prepare<[id: string, dueAt: number]>(`
    SELECT id, run_due_at FROM webhooks
    WHERE state = 'ACTIVE' AND removed_at IS NULL AND run_due_at IS NOT NULL
      AND run_due_at < ?1 AND (run_due_at, id) > (?3, ?4)
    ORDER BY run_due_at, id LIMIT ?2`);
  const advance = db.prepare(`
    UPDATE webhooks SET ${CURSOR.assignments}
    WHERE id = ? AND version = ? AND nominal_at = ? AND state = 'ACTIVE' AND removed_at IS NULL`);
  const selectRun = db.prepare(`
    SELECT 1 FROM deliveries INDEXED BY deliveries_lane WHERE webhook = ? AND run = ${RUN} AND state = 0 LIMIT 1`);
  const supersede = db.prepare<[ord: number]>(`
    UPDATE deliveries INDEXED BY deliveries_lane SET ending = ${SUPERSEDED}
    WHERE webhook = ? AND run = ${RUN} AND state = 0 AND ending = 0 AND NOT (turn = ${KEPT} AND attempts = 0)
    RETURNING ord`);
  const selectKept = db.prepare(`
    SELECT 1 FROM deliveries INDEXED BY deliveries_lane
    WHERE webhook = ? AND run = ${RUN} AND state = 0 AND ending = 0 AND turn = ${KEPT} AND attempts = 0 LIMIT 1`);
  const readWaiting = waitingReader(db);

  /**
   * Marks those that a new run takes the place of, and returns whether any is left that it does not. Looks first,
   * since most runs have nothing to supersede, and a look costs less than an update of nothing.
   */
  function supersedeBefore({ key }: Hook, ending: WaitingRow[]): boolean {
    if (selectRun.get(key) === undefined) return false;
    for (const [ord] of supersede.all(key)) ending.push(readWaiting(ord));
    return selectKept.get(key) !== undefined;
  }

  /** Whether the runs are left out because of those that wait. */
  function leavesOut(row: FiringRow, { key }: Hook): boolean {
    const max = row[at.waitingMax];
    if (max === null) return selectRun.get(key) !== undefined;
    return turns.unfinished(key, RUN, max) + row[at.events].length > max;
  }

  function fireOne(row: FiringRow, { ords, held, ending }: Omit<Answer<'fireRuns'>, 'results'>): FireCode {
    const webhookId = row[at.webhookId];
    const events = row[at.events];
    const skippedTo = row[at.skippedTo];
    const hook = hooks.get(webhookId);
    if (hook === undefined) return 'STALE';
    if (events.length > 0 && tenants.of(hook.namespace).state !== 'ACTIVE') return 'STALE';
    const skips = skippedTo !== null && events.length > 0 && leavesOut(row, hook);
    const { changes } = advance.run(
      ...(skips ? skippedTo : row[at.to]),
      webhookId,
      row[at.version],
      row[at.from],
    );
    if (changes === 0) return 'STALE';
    if (skips) return 'SKIPPED';

    const added = events.map((event) => insertion.event(event));
    const overlap = row[at.overlap];
    const supersedes = overlap === 'SUPERSEDE' || overlap === 'SUPERSEDE_IN_TURN';
    // Before the new ones are inserted, since the runs of one firing do not supersede each other.
    const waits = supersedes && added.some(Boolean) && supersedeBefore(hook, ending);
    const turn = overlap === 'SUPERSEDE_IN_TURN' ? KEPT : waits ? SUPERSEDING : 0;
    const inTurn = waits || overlap === 'BUFFER' || overlap === 'SUPERSEDE_IN_TURN';
    const how = { hook, queue: RUN, inTurn, turn, now: row[at.now], firstDueAt: row[at.firstDueAt] } as const;
    for (const [i, event] of events.entries()) {
      const places = added[i];
      const delivery = row[at.deliveries][i]!;
      const ord = places === undefined ? 0 : insertion.delivery(delivery, event, places, how);
      ords.push(ord);
      if (ord < 0) held.push(readWaiting(-ord));
    }
    return events.length > 0 && !added.some(Boolean) ? 'KNOWN' : 'FIRED';
  }

  return {
    upcomingRuns: (args) => upcoming.all(...args),
    fireRuns(rows) {
      const more = { ords: [], held: [], ending: [] };
      const results = rows.map((row) => fireOne(row, more));
      context.grew();
      return { results, ...more };
    },
  };
}
