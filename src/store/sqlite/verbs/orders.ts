import type { Context } from '../context.ts';
import type { OrderRow, Verbs } from '../protocol.ts';
import { JOINED, WAITING_COLUMNS } from '../rows/columns.ts';
import { PENDING, PURGED, REQUESTED, type StateCode, SUCCEEDED, type WaitingRow } from '../rows/tuples.ts';

/** What callers want of single deliveries: that they be tried again, or given up. */
export function orderVerbs(context: Context): Pick<Verbs, 'retryDeliveries' | 'cancelDeliveries'> {
  const { db, journal, waiting, deliveries } = context;
  const select = db.prepare<
    [ord: number, state: StateCode, ending: number, removedAt: number | null, isErased: number]
  >(`
    SELECT d.ord, d.state, d.ending, iif(w.key IS NULL, 0, w.removed_at), e.body IS NULL FROM deliveries AS d ${JOINED}
    WHERE d.id = ? AND d.namespace = ?`);
  const hasten = db.prepare('UPDATE deliveries SET due_at = min(due_at, ?2), ending = 0 WHERE ord = ?1');
  const reopen = db.prepare(`
    UPDATE deliveries SET state = ${PENDING}, reason = 0, ending = 0, due_at = ?2, finished_at = NULL,
      attempts_before = attempts, lasting = ?3
    WHERE ord = ?1`);
  const deleteEnd = db.prepare(`
    DELETE FROM delivery_ends
    WHERE finished_at = (SELECT finished_at FROM deliveries WHERE ord = ?1) AND key = ?1`);
  const end = db.prepare(`UPDATE deliveries SET ending = ${REQUESTED} WHERE ord = ?`);
  const selectWaiting = db.prepare<WaitingRow>(
    `SELECT ${WAITING_COLUMNS} FROM deliveries AS d ${JOINED} WHERE d.ord = ?`,
  );

  function retryOne([namespace, id, now]: OrderRow, changed: WaitingRow[]) {
    const [ord, state, ending, removedAt, isErased] = select.get(id, namespace) ?? [];
    if (ord === undefined) return 'GONE';
    if (state === SUCCEEDED) return 'SUCCEEDED';
    if (removedAt !== null || isErased === 1 || ending === PURGED) return 'GONE';
    if (state === PENDING) {
      hasten.run(ord, now);
    } else {
      const isListed = ord <= deliveries.upto();
      if (isListed) deleteEnd.run(ord);
      reopen.run(ord, now, isListed ? 1 : 0);
      waiting.add(namespace, 1);
    }
    journal.note(ord);
    changed.push(selectWaiting.get(ord)!);
    return 'RETRIED';
  }

  function cancelOne([namespace, id]: OrderRow, changed: WaitingRow[]) {
    const [ord, state, ending, removedAt] = select.get(id, namespace) ?? [];
    if (ord === undefined) return 'GONE';
    if (state !== PENDING || removedAt !== null) return 'FINISHED';
    if (ending === 0) end.run(ord);
    changed.push(selectWaiting.get(ord)!);
    return 'CANCELLING';
  }

  return {
    retryDeliveries(rows) {
      const changed: WaitingRow[] = [];
      return { results: rows.map((row) => retryOne(row, changed)), changed };
    },
    cancelDeliveries(rows) {
      const changed: WaitingRow[] = [];
      return { results: rows.map((row) => cancelOne(row, changed)), changed };
    },
  };
}
