import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';
import {
  type Flag,
  IS_RENDERED,
  PENDING,
  RENDER,
  REQUESTED,
  type StateCode,
  SUCCEEDED,
  TO_RENDER,
} from '../rows/codes.ts';
import { as, field, integer, layout, orNull, type RowOf, text } from '../rows/layout.ts';
import type { OrderRow } from '../rows/messages.ts';
import { JOINED, type WaitingRow } from '../rows/tables.ts';
import { waitingReader } from './waiting.ts';

/** What decides whether an order about a delivery can be carried out. */
const STANDING = layout(
  field('ord', integer, 'd.ord'),
  field('state', as<StateCode>(), 'd.state'),
  field('ending', integer, 'd.ending'),
  field('finishedAt', orNull(integer), 'd.finished_at'),
  field('webhookId', orNull(text), 'w.id'),
  field('isRemoved', as<Flag>(), 'w.key IS NULL OR w.removed_at IS NOT NULL'),
  field('isErased', as<Flag>(), 'e.body IS NULL'),
);

/** What callers order about single deliveries: to try them again, or to give them up. */
export function orderVerbs(context: Context): Pick<Verbs, 'retryDeliveries' | 'cancelDeliveries'> {
  const { db, journal, waiting, overfull, hooks, deliveries, ends } = context;
  const { at } = STANDING;
  const select = db.prepare<RowOf<typeof STANDING>>(`
    SELECT ${STANDING.columns} FROM deliveries AS d ${JOINED} WHERE d.id = ? AND d.namespace = ?`);
  const hasten = db.prepare('UPDATE deliveries SET due_at = min(due_at, ?2), ending = 0 WHERE ord = ?1');
  // What could not be rendered is rendered anew.
  const reopen = db.prepare(`
    UPDATE deliveries SET state = ${PENDING}, reason = 0, ending = 0, due_at = ?2, finished_at = NULL,
      attempts_before = attempts, lasting = ?3, message = NULL,
      rendered = iif(reason = ${RENDER} AND rendered = ${IS_RENDERED}, ${TO_RENDER}, rendered)
    WHERE ord = ?1`);
  const end = db.prepare(`UPDATE deliveries SET ending = ${REQUESTED} WHERE ord = ?`);
  const readWaiting = waitingReader(db);

  function retryOne([namespace, id, now, finishedBy]: OrderRow, changed: WaitingRow[]) {
    const found = select.get(id, namespace);
    if (found === undefined) return 'GONE';
    const ord = found[at.ord];
    const finishedAt = found[at.finishedAt];
    if (finishedBy !== null && finishedAt !== null && finishedAt > finishedBy) return 'RETRIED';
    if (found[at.state] === SUCCEEDED) return 'SUCCEEDED';
    if (found[at.isRemoved] === 1 || found[at.isErased] === 1) return 'GONE';
    if (found[at.state] === PENDING) {
      hasten.run(ord, now);
    } else {
      if (finishedAt !== null) ends.remove(ord, finishedAt);
      reopen.run(ord, now, deliveries.has(ord) ? 1 : 0);
      const webhookId = found[at.webhookId]!;
      const hook = hooks.get(webhookId)!;
      waiting.add(hook, 1);
      overfull.look(webhookId, hook);
    }
    journal.note(ord);
    changed.push(readWaiting(ord));
    return 'RETRIED';
  }

  function cancelOne([namespace, id]: OrderRow, changed: WaitingRow[]) {
    const found = select.get(id, namespace);
    if (found === undefined) return 'GONE';
    if (found[at.state] !== PENDING || found[at.isRemoved] === 1) return 'FINISHED';
    const ord = found[at.ord];
    if (found[at.ending] === 0) end.run(ord);
    changed.push(readWaiting(ord));
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
