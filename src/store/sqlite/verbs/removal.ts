import { SWEEP_BATCH } from '../../housekeeping.ts';
import { CANCELLED, REMOVED } from '../../rows/codes.ts';
import type { RemovalRow } from '../../rows/messages.ts';
import { type Context, SET_BACK_MAX_MS } from '../context.ts';
import { createSubscriptions } from './subscriptions.ts';

/** Takes webhooks away, and cancels their waiting deliveries a bounded number at a time. */
export interface Removal {
  /** `versionOf` says the version of a webhook; undefined when it does not exist. */
  remove(
    rows: readonly RemovalRow[],
    versionOf: (id: string) => number | undefined,
  ): { results: ('REMOVED' | 'STALE' | 'NOT_FOUND')[]; cancelled: number };
  /** Cancels up to `limit` deliveries of removed webhooks. */
  sweep(limit: number): { touched: number; cancelled: number };
  /** Deletes webhooks that were removed before a time and have nothing left to cancel. Returns how many. */
  forget(removedBefore: number, limit: number): number;
}

export function createRemoval(context: Context): Removal {
  const { db, journal, hooks, tenants, removed, waiting, ends, lastAttempts } = context;
  const select = db.prepare<[key: number, namespace: string, spec: string]>(
    'SELECT key, namespace, spec FROM webhooks WHERE id = ?',
  );
  const mark = db.prepare('UPDATE webhooks SET removed_at = ?, emptying = 1 WHERE id = ?');
  const strip = db.prepare(`
    UPDATE webhooks
    SET emptying = 0, name = '', destination = '', secrets = '[]', secrets_end_at = NULL,
      compatibility_secret = NULL, credentials = NULL, spec = '{}'
    WHERE id = ?`);
  const selectWaiting = db.prepare<[ord: number]>(`
    SELECT ord FROM deliveries INDEXED BY deliveries_due WHERE webhook = ? AND state = 0
    ORDER BY due_at, ord LIMIT ?`);
  const cancel = db.prepare(`
    UPDATE deliveries SET state = ${CANCELLED}, reason = ${REMOVED}, finished_at = ? WHERE ord = ?`);
  const forget = db.prepare<[key: number]>(`
    DELETE FROM webhooks WHERE key IN (
      SELECT key FROM webhooks WHERE removed_at < ? AND emptying = 0 LIMIT ?)
    RETURNING key`);
  const subscriptions = createSubscriptions(db);

  /** Returns how many it cancelled; fewer than `limit` means that there are no more. */
  function empty(id: string, removedAt: number, limit: number): number {
    const [key, namespace] = select.get(id)!;
    const ords = selectWaiting.all(key, limit);
    for (const [ord] of ords) {
      cancel.run(removedAt, ord);
      journal.note(ord);
      ends.add(ord, removedAt);
    }
    waiting.add({ key, namespace }, -ords.length);
    if (ords.length < limit) {
      strip.run(id);
      removed.delete(id);
    }
    return ords.length;
  }

  return {
    remove(rows, versionOf) {
      let cancelled = 0;
      const results = rows.map(([id, now, ifVersion]) => {
        const version = versionOf(id);
        if (version === undefined) return 'NOT_FOUND';
        if (ifVersion !== null && ifVersion !== version) return 'STALE';
        const [, namespace, spec] = select.get(id)!;
        subscriptions.remove(namespace, id, spec);
        mark.run(now, id);
        tenants.count(namespace, -1);
        hooks.forget(id);
        removed.set(id, now);
        cancelled += empty(id, now, SWEEP_BATCH - cancelled);
        return 'REMOVED';
      });
      return { results, cancelled };
    },

    sweep(limit) {
      let cancelled = 0;
      let touched = 0;
      for (const [id, removedAt] of removed) {
        if (touched >= limit) break;
        const count = empty(id, removedAt, limit - touched);
        cancelled += count;
        // The webhook's own row counts too, so that emptying a webhook without deliveries is progress.
        touched += count + (removed.has(id) ? 0 : 1);
      }
      return { touched, cancelled };
    },

    // A delivery can have been finished later than its webhook was removed, and be kept for longer.
    forget(removedBefore, limit) {
      const forgotten = forget.all(removedBefore - SET_BACK_MAX_MS, limit);
      for (const [key] of forgotten) lastAttempts.forget(key);
      return forgotten.length;
    },
  };
}
