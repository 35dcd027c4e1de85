import { isFull } from '../../../domain/delivery/waiting-bounds.ts';
import {
  type Flag,
  HELD,
  IS_RENDERED,
  PENDING,
  RENDER,
  REQUESTED,
  type StateCode,
  SUCCEEDED,
  TO_RENDER,
} from '../../rows/codes.ts';
import { as, field, integer, layout, orNull, type RowOf, text } from '../../rows/layout.ts';
import type { OrderRow } from '../../rows/messages.ts';
import type { WaitingRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { firstInOrderFinder } from '../first-in-order.ts';
import { JOINED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';
import { waitingReader } from './waiting.ts';

/** The keys of the webhooks of deliveries, by their places. */
type LanesOf = Map<number, number>;

/** What decides whether an order about a delivery can be carried out. */
const STANDING = layout(
  field('ord', integer, 'd.ord'),
  field('webhook', integer, 'd.webhook'),
  field('state', as<StateCode>(), 'd.state'),
  field('ending', integer, 'd.ending'),
  field('finishedAt', orNull(integer), 'd.finished_at'),
  field('webhookId', orNull(text), 'w.id'),
  field('isRemoved', as<Flag>(), 'w.key IS NULL OR w.removed_at IS NOT NULL'),
  field('isErased', as<Flag>(), 'e.body IS NULL'),
);

/**
 * When a delivery first became due that is sent again at ?2: it keeps its place. What was not due yet, and was
 * never tried, becomes due now.
 */
function firstDueAt(known: string): string {
  return `iif(attempts = 0 AND due_at > ?2 AND due_at < ${HELD}, min(${known}, ?2), ${known})`;
}

/** What callers order about single deliveries: to try them again, or to give them up. */
export function orderVerbs(context: Context): Pick<Verbs, 'retryDeliveries' | 'cancelDeliveries'> {
  const { db, tenants, journal, waiting, hooks, deliveries, ends } = context;
  const { at } = STANDING;
  const select = db.prepare<RowOf<typeof STANDING>>(`
    SELECT ${STANDING.columns} FROM deliveries AS d ${JOINED} WHERE d.id = ? AND d.namespace = ?`);
  const hasten = db.prepare(`
    UPDATE deliveries SET due_at = min(due_at, ?2), first_due_at = ${firstDueAt('first_due_at')}, ending = 0
    WHERE ord = ?1`);
  // What could not be rendered is rendered anew.
  const reopen = db.prepare(`
    UPDATE deliveries SET state = ${PENDING}, reason = 0, ending = 0, due_at = ?2, finished_at = NULL,
      first_due_at = ${firstDueAt('iif(first_due_at = 0, created_at, first_due_at)')},
      attempts_before = attempts, lasting = ?3, message = NULL,
      rendered = iif(reason = ${RENDER} AND rendered = ${IS_RENDERED}, ${TO_RENDER}, rendered)
    WHERE ord = ?1`);
  const end = db.prepare(`UPDATE deliveries SET ending = ${REQUESTED} WHERE ord = ?`);
  const readWaiting = waitingReader(db);
  const firstInOrder = firstInOrderFinder(db);

  function retryOne([namespace, id, now, finishedBy]: OrderRow, changed: WaitingRow[], lanes: LanesOf) {
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
      const hook = hooks.get(found[at.webhookId]!)!;
      // It would overflow at once: of what waits it may well be the oldest.
      if (isFull(hook, waiting, tenants.boundsOf(hook.namespace))) return 'FULL';
      if (finishedAt !== null) ends.remove(ord, finishedAt);
      reopen.run(ord, now, deliveries.has(ord) ? 1 : 0);
      waiting.add(hook, 1);
    }
    journal.note(ord);
    changed.push(readWaiting(ord));
    lanes.set(ord, found[at.webhook]);
    return ord;
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
      const lanes: LanesOf = new Map();
      const ords = rows.map((row) => retryOne(row, changed, lanes));
      // Only then, since what goes first of a lane may be among them.
      const firsts = new Map([...new Set(lanes.values())].map((key) => [key, firstInOrder(key)]));
      const results = ords.map((ord, i) => {
        if (typeof ord === 'string') return ord;
        const first = firsts.get(lanes.get(ord)!);
        return first !== undefined && first.ord !== ord && first.dueAt > rows[i]![2] ? 'WAITING' : 'RETRIED';
      });
      return { results, changed };
    },
    cancelDeliveries(rows) {
      const changed: WaitingRow[] = [];
      return { results: rows.map((row) => cancelOne(row, changed)), changed };
    },
  };
}
