import { CANCELLED, PENDING, REMOVED, SUCCEEDED } from '../../rows/codes.ts';
import { LANE, type LaneRow, SETTLEMENT, type SettlementRow } from '../../rows/messages.ts';
import { ATTEMPT, HEALTH, type WaitingRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';
import { waitingReader } from './waiting.ts';

export function settleVerbs(context: Context): Pick<Verbs, 'settle'> {
  const { db, journal, removed, hooks, waiting, ends, erased, turns, lastAttempts } = context;
  const { at } = SETTLEMENT;
  const readWaiting = waitingReader(db);
  const postpone = db.prepare(`
    UPDATE deliveries SET due_at = ?2, attempts = max(attempts, ?3), last_status = iif(?4 = 0, last_status, ?4),
      journal = ?5, attempts_before = max(attempts_before, ?7)
    WHERE ord = ?1 AND +id = ?6 AND state = 0`);
  // The dispatcher may give a delivery up before it hears that a caller has had it sent again. It goes on then.
  const finish = db.prepare(`
    UPDATE deliveries SET finished_at = ?2, attempts = max(attempts, ?3),
      last_status = iif(?4 = 0, last_status, ?4), journal = ?5, state = ?7, reason = ?8, message = ?10
    WHERE ord = ?1 AND +id = ?6 AND state = 0
      AND NOT (?7 = ${CANCELLED} AND ?9 > 0 AND ending = 0)`);
  const selectRemoved = db.prepare<[finishedAt: number | null, namespace: string, key: number]>(`
    SELECT finished_at, namespace, webhook FROM deliveries
    WHERE ord = ? AND +id = ? AND (state = ${PENDING} OR state = ${CANCELLED} AND reason = ${REMOVED})`);
  const succeed = db.prepare(`
    UPDATE deliveries SET state = ${SUCCEEDED}, reason = 0, finished_at = ?2
    WHERE ord = ?1`);
  const updateHealth = db.prepare(`
    UPDATE webhooks SET ${HEALTH.assignments} WHERE id = ? AND removed_at IS NULL AND health_version <= ?`);
  const disable = db.prepare(`
    UPDATE webhooks SET state = 'DISABLED', state_reason = ?, updated_at = ?, version = version + 1
    WHERE id = ? AND state = 'ACTIVE' AND removed_at IS NULL AND health_version <= ?`);

  /** Returns its row in the journal, undefined if it did not, and adds to `released` what has its turn by it. */
  function move(row: SettlementRow, released: WaitingRow[]): number | undefined {
    const ord = row[at.ord];
    const webhookId = row[at.webhookId];
    if (erased.has(ord)) journal.strip(row);
    if (removed.has(webhookId)) return undefined;
    // The journal first: its new row continues the chain that the delivery's row still points to.
    const seq = journal.settle(row);
    const isPostponed = row[at.to] === PENDING;
    if ((isPostponed ? postponeIt(row, seq) : finishIt(row, seq)) === 0) {
      journal.takeBack();
      return undefined;
    }
    const hook = hooks.get(webhookId)!;
    if (isPostponed) {
      if (turns.giveWay(hook.key, ord)) released.push(readWaiting(ord));
      return seq;
    }
    erased.delete(ord);
    ends.add(ord, row[at.at]);
    waiting.add(hook, -1);
    for (const next of turns.release(hook.key, row[at.at])) released.push(readWaiting(next));
    return seq;
  }

  function postponeIt(row: SettlementRow, seq: number): number | bigint {
    return postpone.run(...writtenAlways(row, seq), row[at.attemptsBefore]).changes;
  }

  function finishIt(row: SettlementRow, seq: number): number | bigint {
    const ended = [row[at.to], row[at.reason], row[at.ending], row[at.message]] as const;
    return finish.run(...writtenAlways(row, seq), ...ended).changes;
  }

  /** What both statements take first. */
  function writtenAlways(row: SettlementRow, seq: number) {
    return [row[at.ord], row[at.at], row[at.attempts], row[at.status], seq, row[at.id]] as const;
  }

  /** Its webhook was removed while it was in flight, and it arrived all the same. */
  function succeedLate(row: SettlementRow): void {
    const ord = row[at.ord];
    const found = selectRemoved.get(ord, row[at.id]);
    if (found === undefined) return;
    const [finishedAt, namespace, key] = found;
    succeed.run(ord, row[at.at]);
    if (finishedAt === null) waiting.add({ key, namespace }, -1);
    else ends.remove(ord, finishedAt);
    ends.add(ord, row[at.at]);
  }

  /** `moved` is the row of the journal that has the attempt already. */
  function noteAttempt(row: SettlementRow, moved: number | undefined): void {
    const attempt = row[at.attempt];
    if (attempt === null) return;
    const seq = moved ?? journal.late(row, attempt);
    if (seq === undefined) return;
    const hook = hooks.get(row[at.webhookId]);
    if (hook !== undefined) lastAttempts.note(hook.key, seq, attempt[ATTEMPT.at.facts]);
  }

  function settleOne(row: SettlementRow, released: WaitingRow[]) {
    const moved = move(row, released);
    if (moved === undefined && row[at.to] === SUCCEEDED) succeedLate(row);
    noteAttempt(row, moved);
    return moved === undefined ? 'GONE' : 'SETTLED';
  }

  /** Whether it disabled the webhook. */
  function changeLane(row: LaneRow): boolean {
    const webhookId = row[LANE.at.webhookId];
    const reason = row[LANE.at.disable];
    const version = row[LANE.at.version];
    updateHealth.run(...row[LANE.at.health], webhookId, version);
    return reason !== null && disable.run(reason, row[LANE.at.now], webhookId, version).changes !== 0;
  }

  return {
    settle({ rows, lanes }) {
      const released: WaitingRow[] = [];
      const results = rows.map((row) => settleOne(row, released));
      const disabled = lanes.filter(changeLane).map((row) => row[LANE.at.webhookId]);
      return { results, disabled, released };
    },
  };
}
