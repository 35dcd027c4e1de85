import type { Context } from '../context.ts';
import { createDeletion, DELETED, type DeletedRow } from './deletion.ts';
import { createSubscriptions } from './subscriptions.ts';

/**
 * Deletes what namespaces own that are DELETING, a bounded number of rows at a time, and at last the namespaces
 * themselves. Where it is follows from what is left, so a crash loses nothing.
 */
export interface NamespaceRemoval {
  /** Deletes up to `limit` rows. `gone` is how many namespaces came to their end. */
  readonly step: (now: number, limit: number) => Promise<{ touched: number; gone: number }>;
}

type Step = (namespace: string, limit: number, now: number) => Promise<number>;

/** Servers learn within this time that a key was revoked, by a row that must be there until then. */
const KEYS_KEPT_MS = 10_000;

export function createNamespaceRemoval(context: Context): NamespaceRemoval {
  const { db, tenants, hooks, removed, erased, lastAttempts, journal } = context;
  const deletion = createDeletion(context);
  const subscriptions = createSubscriptions(db);
  const selectName = db.prepare<[name: string, since: number]>(
    `SELECT name, updated_at FROM @namespaces WHERE state = 'DELETING' ORDER BY name LIMIT 1`,
  );
  const selectFinished = db.prepare<DeletedRow>(`
    SELECT ${DELETED.columns} FROM @history AS d WHERE d.namespace = ? ORDER BY d.id LIMIT ?`);
  const selectWaiting = db.prepare<DeletedRow>(`
    SELECT ${DELETED.columns.replace('d.state', '0')} FROM @waiting AS d
    WHERE d.webhook IN (SELECT key FROM @webhooks WHERE namespace = ?) LIMIT ?`);
  const deleteEvents = db.prepare(`
    DELETE FROM @events WHERE key IN (SELECT key FROM @events WHERE namespace = ? ORDER BY id LIMIT ?)`);
  const selectWebhooks = db.prepare<[id: string, spec: string, key: number]>(`
    SELECT id, spec, key FROM @webhooks WHERE namespace = ? AND removed_at IS NULL ORDER BY id LIMIT ?`);
  const selectRemoved = db.prepare<[id: string, spec: string, key: number]>(`
    SELECT id, spec, key FROM @webhooks WHERE namespace = ? AND removed_at IS NOT NULL LIMIT ?`);
  const deleteWebhooks = db.prepare('DELETE FROM @webhooks WHERE key = ANY(?)');
  const deleteIds = db.prepare(`
    DELETE FROM @event_ids WHERE namespace = ?1 AND id IN (
      SELECT id FROM @event_ids WHERE namespace = ?1 ORDER BY id LIMIT ?2)`);
  const deleteRequests = db.prepare(`
    DELETE FROM @requests WHERE namespace = ?1 AND id IN (
      SELECT id FROM @requests WHERE namespace = ?1 ORDER BY id LIMIT ?2)`);
  const revokeKeys = db.prepare(`
    UPDATE @api_keys SET revoked_at = ?3, change = nextval('@key_changes') WHERE id IN (
      SELECT id FROM @api_keys WHERE namespace = ?1 AND revoked_at IS NULL ORDER BY id LIMIT ?2)`);
  // What was done with the namespace itself is in none, and stays.
  const deleteEntries = db.prepare(`
    DELETE FROM @audit_entries WHERE id IN (
      SELECT id FROM @audit_entries WHERE namespace = ? ORDER BY id LIMIT ?)`);
  const hasKeys = db.prepare('SELECT 1 FROM @api_keys WHERE namespace = ? LIMIT 1');
  const last = ['api_keys', 'request_totals', 'namespace_keys', 'catalog'].map((table) =>
    db.prepare(`DELETE FROM @${table} WHERE namespace = ?`),
  );
  const deleteNamespace = db.prepare('DELETE FROM @namespaces WHERE name = ?');

  async function deleteDeliveries(namespace: string, limit: number): Promise<number> {
    const waiting = await selectWaiting.all(namespace, limit);
    const rows = waiting.length > 0 ? waiting : await selectFinished.all(namespace, limit);
    // Those who follow what happens in other namespaces have lost nothing, so the journal is as whole as it was.
    await journal.leave((await deletion.deliveries(rows)).journal);
    return rows.length;
  }

  async function deleteSomeWebhooks(namespace: string, limit: number): Promise<number> {
    const live = await selectWebhooks.all(namespace, limit);
    const rows = live.length > 0 ? live : await selectRemoved.all(namespace, limit);
    const keys = rows.map(([, , key]) => key);
    if (keys.length === 0) return 0;
    for (const [id, spec] of rows) {
      await subscriptions.remove(namespace, id, spec);
      hooks.forget(id);
      removed.delete(id);
    }
    await deleteWebhooks.run(keys);
    await lastAttempts.forget(keys);
    tenants.count(namespace, -live.length);
    return rows.length;
  }

  const steps: readonly Step[] = [
    (namespace, limit, now) => revokeKeys.run(namespace, limit, now),
    deleteDeliveries,
    (namespace, limit) => deleteEvents.run(namespace, limit),
    deleteSomeWebhooks,
    (namespace, limit) => deleteIds.run(namespace, limit),
    (namespace, limit) => deleteRequests.run(namespace, limit),
    (namespace, limit) => deleteEntries.run(namespace, limit),
  ];

  /** Does what comes first of what is left. Returns 0 when nothing is. */
  async function stepOf(namespace: string, limit: number, now: number): Promise<number> {
    for (const step of steps) {
      const touched = await step(namespace, limit, now);
      if (touched > 0) return touched;
    }
    return 0;
  }

  return {
    async step(now, limit) {
      const [namespace, since] = (limit > 0 ? await selectName.get() : undefined) ?? [];
      if (namespace === undefined || since === undefined) return { touched: 0, gone: 0 };
      erased.in('events', 'webhooks', 'requests', 'namespace_keys');
      const touched = await stepOf(namespace, limit, now);
      if (touched > 0) return { touched, gone: 0 };
      if ((await hasKeys.get(namespace)) !== undefined && now < since + KEYS_KEPT_MS)
        return { touched: 0, gone: 0 };
      for (const statement of last) await statement.run(namespace);
      await deleteNamespace.run(namespace);
      tenants.gone(namespace);
      return { touched: 1, gone: 1 };
    },
  };
}
