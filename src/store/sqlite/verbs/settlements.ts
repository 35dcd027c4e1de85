import type { Context } from '../context.ts';
import type { LaneRow, SettlementRow, Verbs } from '../protocol.ts';
import { CANCELLED, PENDING } from '../rows/tuples.ts';

export function settleVerbs(context: Context): Pick<Verbs, 'settle'> {
  const { db, journal, removed, hooks, waiting, deliveries, erased } = context;
  const postpone = db.prepare(`
    UPDATE deliveries SET due_at = ?2, attempts = max(attempts, ?3), last_status = iif(?4 = 0, last_status, ?4),
      journal = ?5
    WHERE ord = ?1 AND +id = ?6 AND state = 0`);
  // Given up by whoever has not heard yet that a caller had it sent again meanwhile, it goes on.
  const finish = db.prepare(`
    UPDATE deliveries SET finished_at = ?2, attempts = max(attempts, ?3),
      last_status = iif(?4 = 0, last_status, ?4), journal = ?5, state = ?7, reason = ?8
    WHERE ord = ?1 AND +id = ?6 AND state = 0
      AND NOT (?7 = ${CANCELLED} AND ?9 > 0 AND ending = 0)`);
  const insertEnd = db.prepare('INSERT OR IGNORE INTO delivery_ends (finished_at, key) VALUES (?, ?)');
  const updateHealth = db.prepare(`
    UPDATE webhooks SET failing_since = ?, trips = ?, open_until = ? WHERE id = ? AND removed_at IS NULL`);
  const disable = db.prepare(`
    UPDATE webhooks SET state = 'DISABLED', state_reason = ?, updated_at = ?, version = version + 1
    WHERE id = ? AND state = 'ACTIVE' AND removed_at IS NULL`);

  function move(row: SettlementRow): boolean {
    const [ord, id, webhookId, to, reason, at, attempts, status, , ending] = row;
    if (erased.has(ord)) journal.strip(row);
    if (removed.has(webhookId)) return false;
    // First, since it notes what the delivery's row says of the journal before. It is rarely for nothing.
    const seq = journal.settle(row);
    const { changes } =
      to === PENDING
        ? postpone.run(ord, at, attempts, status, seq, id)
        : finish.run(ord, at, attempts, status, seq, id, to, reason, ending);
    if (changes === 0) {
      journal.takeBack();
      return false;
    }
    if (to === PENDING) return true;
    erased.delete(ord);
    if (ord <= deliveries.upto()) insertEnd.run(at, ord);
    waiting.add(hooks.get(webhookId)!.namespace, -1);
    return true;
  }

  function settleOne(row: SettlementRow) {
    if (move(row)) return 'SETTLED';
    const attempt = row[8];
    if (attempt !== null) journal.late(row, attempt);
    return 'GONE';
  }

  function changeLane([webhookId, failingSince, trips, openUntil, reason, now]: LaneRow): boolean {
    updateHealth.run(failingSince, trips, openUntil, webhookId);
    return reason !== null && disable.run(reason, now, webhookId).changes !== 0;
  }

  return {
    settle({ rows, lanes }) {
      const results = rows.map(settleOne);
      return { results, disabled: lanes.filter(changeLane).map(([webhookId]) => webhookId) };
    },
  };
}
