import type { Context } from './context.ts';
import { type LaneRow, PENDING, type SettlementRow, type Verbs } from './protocol.ts';

export function settleVerbs({ db, history, removed, waiting }: Context): Pick<Verbs, 'settle'> {
  // The plus before an id keeps SQLite from going by way of the index on it: the key is at hand.
  const postpone = db.prepare(
    `UPDATE waiting SET due_at = ?, attempts = ?, last_status = coalesce(?, last_status)
    WHERE webhook_id = ? AND ord = ? AND +id = ?`,
  );
  // OR IGNORE: an id cannot be in both, and if it ever were, its lane must not be stuck for it.
  const finish = db.prepare(`
    INSERT OR IGNORE INTO settled
      (id, namespace, webhook_id, event_id, state, reason, attempts, last_status, replay_of, nominal_at,
        created_at, finished_at)
    SELECT id, namespace, webhook_id, event_id, ?, ?, ?, coalesce(?, last_status), replay_of, nominal_at,
      created_at, ?
    FROM waiting WHERE webhook_id = ? AND ord = ? AND +id = ?`);
  const clear = db.prepare<[namespace: string]>(
    'DELETE FROM waiting WHERE webhook_id = ? AND ord = ? AND +id = ? RETURNING namespace',
  );
  // OR IGNORE: the same attempt may be reported again by a dispatcher that was not told of the commit.
  const insertAttempt = db.prepare(`
    INSERT OR IGNORE INTO attempts
      (delivery_id, number, started_at, duration_ms, status, headers, body, truncated, error_class, message,
        sent, timing, address)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const countSettled = db.prepare(
    'UPDATE settled SET attempts = max(attempts, ?), last_status = coalesce(?, last_status) WHERE id = ?',
  );
  const countFinished = db.prepare(
    'UPDATE deliveries SET attempts = max(attempts, ?), last_status = coalesce(?, last_status) WHERE id = ?',
  );
  const countRemoved = db.prepare(
    'UPDATE waiting SET attempts = max(attempts, ?), last_status = coalesce(?, last_status) WHERE webhook_id = ? AND ord = ? AND +id = ?',
  );
  const updateHealth = db.prepare(`
    UPDATE webhooks SET failing_since = ?, trips = ?, open_until = ? WHERE id = ? AND removed_at IS NULL`);
  const disable = db.prepare(`
    UPDATE webhooks SET state = 'DISABLED', state_reason = ?, updated_at = ?, version = version + 1
    WHERE id = ? AND state = 'ACTIVE' AND removed_at IS NULL`);

  function move([ord, id, webhookId, to, reason, at, attempts, attempt]: SettlementRow): boolean {
    const status = attempt?.[3] ?? null;
    if (to === PENDING) return postpone.run(at, attempts, status, webhookId, ord, id).changes !== 0;
    finish.run(to, reason, attempts, status, at, webhookId, ord, id);
    const cleared = clear.get(webhookId, ord, id);
    if (cleared === undefined) return false;
    waiting.add(cleared[0], -1);
    history.grew(1);
    return true;
  }

  /** Raises the count of a delivery that ended otherwise; false when nothing is known of it any more. */
  function count([ord, id, webhookId, , , , attempts, attempt]: SettlementRow): boolean {
    const status = attempt?.[3] ?? null;
    return (
      countRemoved.run(attempts, status, webhookId, ord, id).changes !== 0 ||
      countSettled.run(attempts, status, id).changes !== 0 ||
      countFinished.run(attempts, status, id).changes !== 0
    );
  }

  function settleOne(row: SettlementRow) {
    const [, id, webhookId, , , , , attempt] = row;
    const settled = !removed.has(webhookId) && move(row);
    // An attempt of a delivery that is gone even from history would never be swept.
    if (attempt !== null && (settled || count(row))) insertAttempt.run(id, ...attempt);
    return settled ? 'SETTLED' : 'GONE';
  }

  function changeLane([webhookId, failingSince, trips, openUntil, reason, now]: LaneRow): boolean {
    updateHealth.run(failingSince, trips, openUntil, webhookId);
    return reason !== null && disable.run(reason, now, webhookId).changes !== 0;
  }

  return {
    settle({ rows, lanes }) {
      const results = rows.map(settleOne);
      history.settle('ENOUGH');
      return { results, disabled: lanes.filter(changeLane).map(([webhookId]) => webhookId) };
    },
  };
}
