import { SWEEP_BATCH } from '../store.ts';
import type { Context } from './context.ts';
import { CANCELLED, type RemovalRow } from './protocol.ts';
import { createSubscriptions } from './subscriptions.ts';

/** Takes webhooks away, and their waiting deliveries to history a bounded number at a time. */
export interface Removal {
  /** `versionOf` knows the webhooks that are still there. */
  remove(
    rows: readonly RemovalRow[],
    versionOf: (id: string) => number | undefined,
  ): ('REMOVED' | 'STALE' | 'NOT_FOUND')[];
  /** Moves up to `limit` rows of removed webhooks and lets go of those that have none left. Returns how many rows. */
  sweep(limit: number): number;
}

export function createRemoval({ db, history, removed, waiting }: Context): Removal {
  const mark = db.prepare('UPDATE webhooks SET removed_at = ? WHERE id = ?');
  const select = db.prepare<[namespace: string, spec: string]>(
    'SELECT namespace, spec FROM webhooks WHERE id = ?',
  );
  const subscriptions = createSubscriptions(db);
  const forget = db.prepare('DELETE FROM webhooks WHERE id = ?');
  const copy = db.prepare(`
    INSERT OR IGNORE INTO settled
      (id, namespace, webhook_id, event_id, state, reason, attempts, last_status, replay_of, nominal_at,
        created_at, finished_at)
    SELECT id, namespace, webhook_id, event_id, ${CANCELLED}, 'REMOVED', attempts, last_status, replay_of,
      nominal_at, created_at, ?
    FROM waiting WHERE webhook_id = ? ORDER BY ord LIMIT ?`);
  const clear = db.prepare(`
    DELETE FROM waiting WHERE webhook_id = ?1
      AND ord IN (SELECT ord FROM waiting WHERE webhook_id = ?1 ORDER BY ord LIMIT ?2)`);

  /** Returns how many rows moved; fewer than `limit` means that there are no more, and the webhook is let go. */
  function move(id: string, removedAt: number, limit: number): number {
    const moved = Number(copy.run(removedAt, id, limit).changes);
    if (moved > 0) {
      clear.run(id, limit);
      waiting.add(select.get(id)![0], -moved);
    }
    history.grew(moved);
    if (moved < limit) {
      forget.run(id);
      removed.delete(id);
    }
    return moved;
  }

  return {
    remove(rows, versionOf) {
      let budget = SWEEP_BATCH;
      return rows.map(([id, now, ifVersion]) => {
        const version = versionOf(id);
        if (version === undefined) return 'NOT_FOUND';
        if (ifVersion !== null && ifVersion !== version) return 'STALE';
        const [namespace, spec] = select.get(id)!;
        subscriptions.remove(namespace, id, spec);
        mark.run(now, id);
        removed.set(id, now);
        budget -= move(id, now, budget);
        return 'REMOVED';
      });
    },

    sweep(limit) {
      let touched = 0;
      for (const [id, removedAt] of removed) {
        if (touched >= limit) break;
        // The webhook's own row counts, so that a webhook with nothing left to move is still progress.
        touched += move(id, removedAt, limit - touched) + (removed.has(id) ? 0 : 1);
      }
      return touched;
    },
  };
}
