import { SWEEP_BATCH } from '../../housekeeping.ts';
import { CANCELLED, REMOVED } from '../../rows/codes.ts';
import type { RemovalRow } from '../../rows/messages.ts';
import { createCatalog } from '../catalog.ts';
import { type Context, SET_BACK_MAX_MS } from '../context.ts';
import { apart, DAY_MS, dayOfFinished } from '../space/days.ts';
import { createSubscriptions } from './subscriptions.ts';

/** Takes webhooks away, and cancels their waiting deliveries a bounded number at a time. */
export interface Removal {
  readonly remove: (
    rows: readonly RemovalRow[],
  ) => Promise<{ results: ('REMOVED' | 'STALE' | 'NOT_FOUND')[]; cancelled: number }>;
  /** Cancels up to `limit` deliveries of removed webhooks. */
  readonly sweep: (limit: number) => Promise<{ touched: number; cancelled: number }>;
  /** Deletes webhooks that were removed before a time and have nothing left to cancel. Returns how many. */
  readonly forget: (removedBefore: number, limit: number) => Promise<number>;
}

export function createRemoval(context: Context): Removal {
  const { db, journal, hooks, tenants, removed, lastAttempts } = context;
  const subscriptions = createSubscriptions(db);
  const catalog = createCatalog(db);
  const select = db.prepare<
    [key: number, namespace: string, spec: string, version: number, removedAt: number | null]
  >('SELECT key, namespace, spec, version, removed_at FROM @webhooks WHERE id = ?');
  const mark = db.prepare(
    'UPDATE @webhooks SET removed_at = ?, emptying = 1, xid = pg_current_xact_id() WHERE id = ?',
  );
  const strip = db.prepare(`
    UPDATE @webhooks
    SET emptying = 0, name = '', destination = '', secrets = '[]', secrets_end_at = NULL,
      compatibility_secret = NULL, credentials = NULL, spec = '{}'
    WHERE id = ?`);
  const selectWaiting = db.prepare<[id: string]>(
    'SELECT id FROM @waiting WHERE webhook = ? ORDER BY due_at, ord LIMIT ?',
  );
  const cancel = db.prepare(`
    WITH gone AS (DELETE FROM @waiting WHERE id = ANY(?1::text[]) RETURNING *)
    INSERT INTO @history (id, ord, namespace, webhook, event, type, due_at, first_due_at, attempts, attempts_before,
      run, turn, format, rendered, last_status, replay_of, created_at, state, reason, finished_at, apart)
    SELECT id, ord, namespace, webhook, event, type, due_at, first_due_at, attempts, attempts_before,
      run, turn, format, rendered, last_status, replay_of, created_at, ${CANCELLED}, ${REMOVED}, ?2::bigint,
      ${apart('(?3::integer[])[array_position(?1::text[], id)]')}
    FROM gone`);
  const forget = db.prepare<[key: number]>(`
    DELETE FROM @webhooks WHERE key IN (
      SELECT key FROM @webhooks WHERE removed_at < ? AND emptying = 0 ORDER BY removed_at LIMIT ?)
    RETURNING key`);

  /** Returns how many it cancelled; fewer than `limit` means that there are no more. */
  async function empty(id: string, removedAt: number, limit: number): Promise<number> {
    const [key, namespace] = (await select.get(id))!;
    const ids = (await selectWaiting.all(key, limit)).map(([each]) => each);
    if (ids.length > 0) {
      const days = ids.map((each) => dayOfFinished(each, removedAt));
      await cancel.run(ids, removedAt, days);
      await journal.note(ids);
    }
    context.waiting.add({ key, namespace }, -ids.length);
    if (ids.length < limit) {
      await strip.run(id);
      removed.delete(id);
    }
    return ids.length;
  }

  return {
    async remove(rows) {
      let cancelled = 0;
      const results: ('REMOVED' | 'STALE' | 'NOT_FOUND')[] = [];
      for (const [id, now, ifVersion] of rows) {
        const found = await select.get(id);
        if (found === undefined || found[4] !== null) {
          results.push('NOT_FOUND');
          continue;
        }
        const [, namespace, spec, version] = found;
        if (ifVersion !== null && ifVersion !== version) {
          results.push('STALE');
          continue;
        }
        await subscriptions.remove(namespace, id, spec);
        await mark.run(now, id);
        await catalog.raise([id]);
        tenants.count(namespace, -1);
        hooks.forget(id);
        removed.set(id, now);
        cancelled += await empty(id, now, SWEEP_BATCH - cancelled);
        results.push('REMOVED');
      }
      return { results, cancelled };
    },

    async sweep(limit) {
      let cancelled = 0;
      let touched = 0;
      for (const [id, removedAt] of [...removed]) {
        if (touched >= limit) break;
        const count = await empty(id, removedAt, limit - touched);
        cancelled += count;
        // The webhook's own row counts too, so that emptying a webhook without deliveries is progress.
        touched += count + (removed.has(id) ? 0 : 1);
      }
      return { touched, cancelled };
    },

    // A delivery can have been finished later than its webhook was removed, and be kept until its whole day goes.
    async forget(removedBefore, limit) {
      if (limit <= 0) return 0;
      const forgotten = (await forget.all(removedBefore - SET_BACK_MAX_MS - DAY_MS, limit)).map(
        ([key]) => key,
      );
      if (forgotten.length > 0) await lastAttempts.forget(forgotten);
      return forgotten.length;
    },
  };
}
