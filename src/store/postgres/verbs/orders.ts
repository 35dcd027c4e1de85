import { shardOf } from '../../../domain/cluster/shard.ts';
import { isFull } from '../../../domain/delivery/waiting-bounds.ts';
import type { Retried } from '../../delivery-log.ts';
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
import type { Context } from '../context.ts';
import { firstInOrderFinder } from '../first-in-order.ts';
import { JOINED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';
import { waitingReader } from './waiting.ts';

/** What decides whether an order about a delivery can be carried out. */
const STANDING = layout(
  field('webhook', integer, 'd.webhook'),
  field('state', as<StateCode>(), 'd.state'),
  field('ending', integer, 'd.ending'),
  field('finishedAt', orNull(integer), 'd.finished_at'),
  field('webhookId', orNull(text), 'w.id'),
  field('isRemoved', as<Flag>(), '(w.key IS NULL OR w.removed_at IS NOT NULL)::integer'),
  field('isErased', as<Flag>(), '(e.body IS NULL)::integer'),
);

/**
 * When a delivery first became due that is sent again at ?2: it keeps its place. What was not due yet, and was
 * never tried, becomes due now.
 */
const FIRST_DUE_AT = `
  CASE WHEN attempts = 0 AND due_at > ?2::bigint AND due_at < ${HELD}
    THEN least(first_due_at, ?2::bigint) ELSE first_due_at END`;

/** What goes from one table to the other as it is. */
const SAME =
  'id, ord, namespace, webhook, event, type, attempts, run, turn, format, last_status, replay_of, created_at';

/** What callers order about single deliveries: to try them again, or to give them up. */
export function orderVerbs(context: Context): Pick<Verbs, 'retryDeliveries' | 'cancelDeliveries'> {
  const { db, tenants, journal, hooks } = context;
  const { at } = STANDING;
  const select = db.prepare<RowOf<typeof STANDING>>(`
    SELECT ${STANDING.columns} FROM @deliveries AS d ${JOINED} WHERE d.id = ? AND d.namespace = ?`);
  const hasten = db.prepare(`
    UPDATE @waiting SET due_at = least(due_at, ?2::bigint), first_due_at = ${FIRST_DUE_AT}, ending = 0,
      xid = pg_current_xact_id()
    WHERE id = ?1`);
  // What could not be rendered is rendered anew.
  const reopen = db.prepare(`
    WITH back AS (DELETE FROM @history WHERE id = ?1 RETURNING *)
    INSERT INTO @waiting (${SAME}, due_at, first_due_at, attempts_before, rendered, shard)
    SELECT ${SAME}, ?2::bigint, ${FIRST_DUE_AT}, attempts,
      CASE WHEN reason = ${RENDER} AND rendered = ${IS_RENDERED} THEN ${TO_RENDER} ELSE rendered END, ?3::smallint
    FROM back`);
  const end = db.prepare(
    `UPDATE @waiting SET ending = ${REQUESTED}, xid = pg_current_xact_id() WHERE id = ?`,
  );
  const readWaiting = waitingReader(db);
  const firstInOrder = firstInOrderFinder(db);

  /** Returns the key of its webhook where it was carried out. */
  async function retryOne([namespace, id, now, finishedBy]: OrderRow): Promise<Retried | number> {
    const found = await select.get(id, namespace);
    if (found === undefined) return 'GONE';
    const finishedAt = found[at.finishedAt];
    if (finishedBy !== null && finishedAt !== null && finishedAt > finishedBy) return 'RETRIED';
    if (found[at.state] === SUCCEEDED) return 'SUCCEEDED';
    if (found[at.isRemoved] === 1 || found[at.isErased] === 1) return 'GONE';
    if (found[at.state] === PENDING) {
      await hasten.run(id, now);
    } else {
      const webhookId = found[at.webhookId]!;
      await hooks.load([webhookId]);
      const hook = hooks.get(webhookId)!;
      // It would overflow at once: of what waits it may well be the oldest.
      if (isFull(hook, context.waiting, tenants.boundsOf(hook.namespace))) return 'FULL';
      await reopen.run(id, now, shardOf(webhookId));
      await journal.stay(id);
      context.waiting.add(hook, 1);
    }
    await journal.note([id]);
    return found[at.webhook];
  }

  async function cancelOne([namespace, id]: OrderRow) {
    const found = await select.get(id, namespace);
    if (found === undefined) return 'GONE';
    if (found[at.state] !== PENDING || found[at.isRemoved] === 1) return 'FINISHED';
    if (found[at.ending] === 0) await end.run(id);
    return 'CANCELLING';
  }

  return {
    async retryDeliveries(rows) {
      const retried: (Retried | number)[] = [];
      for (const row of rows) retried.push(await retryOne(row));
      // Only then, since what goes first of a lane may be among them.
      const firsts = new Map<number, Awaited<ReturnType<typeof firstInOrder>>>();
      for (const webhook of new Set(retried)) {
        if (typeof webhook === 'number') firsts.set(webhook, await firstInOrder(webhook));
      }
      const results = retried.map((webhook, i): Retried => {
        if (typeof webhook === 'string') return webhook;
        const first = firsts.get(webhook);
        const [, id, now] = rows[i]!;
        return first !== undefined && first.id !== id && first.dueAt > now ? 'WAITING' : 'RETRIED';
      });
      const changed = rows.flatMap(([, id], i) => (typeof retried[i] === 'number' ? [id] : []));
      return { results, changed: await readWaiting(changed) };
    },
    async cancelDeliveries(rows) {
      const results: ('GONE' | 'FINISHED' | 'CANCELLING')[] = [];
      for (const row of rows) results.push(await cancelOne(row));
      const changed = rows.flatMap(([, id], i) => (results[i] === 'CANCELLING' ? [id] : []));
      return { results, changed: await readWaiting(changed) };
    },
  };
}
