import type { Context } from '../context.ts';
import type { Catalog } from '../lists/catalog.ts';
import { createDeletion, DELETED, type DeletedRow } from './deletion.ts';
import { overwriting } from './overwriting.ts';
import { createSubscriptions } from './subscriptions.ts';

/**
 * Deletes what namespaces own that are DELETING, a bounded number of rows at a time, and at last the namespaces
 * themselves. Where it is follows from what is left, so a crash loses nothing.
 */
export interface NamespaceRemoval {
  /** Deletes up to `limit` rows. `gone` is how many namespaces came to their end. */
  step(now: number, limit: number): { touched: number; gone: number };
}

type Step = (namespace: string, limit: number, now: number) => number;

/** Servers learn within this time that a key was revoked, by a row that must be there until then. */
const KEYS_KEPT_MS = 10_000;

export function createNamespaceRemoval(context: Context): NamespaceRemoval {
  const { db, tenants, hooks, removed, log, lastAttempts, journal } = context;
  const deletion = createDeletion(context);
  const subscriptions = createSubscriptions(db);
  const selectName = db.prepare<[name: string, since: number]>(
    `SELECT name, updated_at FROM namespaces INDEXED BY namespaces_deleting WHERE state = 'DELETING' LIMIT 1`,
  );
  const selectLoose = db.prepare<DeletedRow>(`
    SELECT ${DELETED.columns} FROM deliveries AS d WHERE d.ord > ? AND +d.namespace = ? LIMIT ?`);
  const selectListed = db.prepare<DeletedRow>(`
    SELECT ${DELETED.columns} FROM delivery_types AS t CROSS JOIN deliveries AS d ON d.ord = t.key
    WHERE t.bucket = ? AND t.namespace = ? LIMIT ?`);
  const selectLooseEvents = db.prepare<[key: number, id: string, type: string]>(
    'SELECT key, id, type FROM events WHERE key > ? AND +namespace = ? LIMIT ?',
  );
  const selectListedEvents = db.prepare<[key: number, id: string, type: string]>(
    'SELECT key, id, type FROM event_types WHERE bucket = ? AND namespace = ? LIMIT ?',
  );
  const selectWebhooks = db.prepare<[id: string, spec: string, key: number]>(`
    SELECT id, spec, key FROM webhooks INDEXED BY webhooks_namespace
    WHERE namespace = ? AND removed_at IS NULL LIMIT ?`);
  const selectRemoved = db.prepare<[id: string, spec: string, key: number]>(`
    SELECT id, spec, key FROM webhooks INDEXED BY webhooks_left
    WHERE namespace = ? AND removed_at IS NOT NULL LIMIT ?`);
  const deleteWebhook = db.prepare('DELETE FROM webhooks WHERE id = ?');
  const deleteIds = db.prepare(`
    DELETE FROM event_ids WHERE namespace = ?1 AND id IN (SELECT id FROM event_ids WHERE namespace = ?1 LIMIT ?2)`);
  const deleteRequests = db.prepare(`
    DELETE FROM requests WHERE namespace = ?1 AND id IN (SELECT id FROM requests WHERE namespace = ?1 LIMIT ?2)`);
  // What was done with the namespace itself is in none, and stays.
  const deleteEntries = db.prepare(`
    DELETE FROM audit_entries WHERE id IN (SELECT id FROM audit_entries WHERE namespace = ? LIMIT ?)`);
  const selectKeys = db.prepare<[id: string]>(
    'SELECT id FROM api_keys WHERE namespace = ? AND revoked_at IS NULL LIMIT ?',
  );
  const revokeKey = db.prepare('UPDATE api_keys SET revoked_at = ?2, change = ?3 WHERE id = ?1');
  const hasKeys = db.prepare('SELECT 1 FROM api_keys WHERE namespace = ? LIMIT 1');
  const deleteKeys = db.prepare('DELETE FROM api_keys WHERE namespace = ?');
  const deleteTotals = db.prepare('DELETE FROM request_totals WHERE namespace = ?');
  const deleteSigningKey = db.prepare('DELETE FROM namespace_keys WHERE namespace = ?');
  const deleteNamespace = db.prepare('DELETE FROM namespaces WHERE name = ?');

  /** The first rows of a namespace in the lists of a table, or among those that are in no list yet. */
  function firstOf<Row>(
    catalog: Catalog,
    listed: (bucket: number) => Row[],
    loose: (after: number) => Row[],
  ) {
    for (const { bucket } of catalog.buckets()) {
      const rows = listed(bucket);
      if (rows.length > 0) return rows;
    }
    return loose(catalog.upto());
  }

  function deleteDeliveries(namespace: string, limit: number): number {
    const rows = firstOf(
      context.deliveries,
      (bucket) => selectListed.all(bucket, namespace, limit),
      (after) => selectLoose.all(after, namespace, limit),
    );
    // Those who follow what happens in other namespaces have lost nothing, so the journal is as whole as it was.
    journal.leave(deletion.deliveries(rows).journal);
    return rows.length;
  }

  /** Their deliveries are gone by then. */
  function deleteEvents(namespace: string, limit: number): number {
    const rows = firstOf(
      context.events,
      (bucket) => selectListedEvents.all(bucket, namespace, limit),
      (after) => selectLooseEvents.all(after, namespace, limit),
    );
    for (const [key, id, type] of rows) deletion.event({ key, id, namespace, type });
    return rows.length;
  }

  function deleteWebhooks(namespace: string, limit: number): number {
    const live = selectWebhooks.all(namespace, limit);
    const rows = live.length > 0 ? live : selectRemoved.all(namespace, limit);
    for (const [id, spec, key] of rows) {
      subscriptions.remove(namespace, id, spec);
      deleteWebhook.run(id);
      lastAttempts.forget(key);
      hooks.forget(id);
      removed.delete(id);
    }
    tenants.count(namespace, -live.length);
    return rows.length;
  }

  function revokeKeys(namespace: string, limit: number, now: number): number {
    const keys = selectKeys.all(namespace, limit);
    for (const [id] of keys) revokeKey.run(id, now, context.takeKeyChange());
    return keys.length;
  }

  const steps: readonly Step[] = [
    revokeKeys,
    deleteDeliveries,
    deleteEvents,
    deleteWebhooks,
    (namespace, limit) => Number(deleteIds.run(namespace, limit).changes),
    (namespace, limit) => Number(deleteRequests.run(namespace, limit).changes),
    (namespace, limit) => Number(deleteEntries.run(namespace, limit).changes),
  ];

  /** Does what comes first of what is left. Returns 0 when nothing is. */
  function stepOf(namespace: string, limit: number, now: number): number {
    for (const step of steps) {
      const touched = step(namespace, limit, now);
      if (touched > 0) return touched;
    }
    return 0;
  }

  /** Deletes the namespace itself, of which nothing is left but this. */
  function end(namespace: string) {
    deleteKeys.run(namespace);
    deletion.trim();
    deleteTotals.run(namespace);
    deleteSigningKey.run(namespace);
    deleteNamespace.run(namespace);
    tenants.gone(namespace);
    return { touched: 1, gone: 1 };
  }

  return {
    step(now, limit) {
      const [namespace, since] = limit > 0 ? (selectName.get() ?? []) : [];
      if (namespace === undefined || since === undefined) return { touched: 0, gone: 0 };
      log.holdsErased = true;
      return overwriting(db, () => {
        const touched = stepOf(namespace, limit, now);
        if (touched > 0) return { touched, gone: 0 };
        const areKept = now < since + KEYS_KEPT_MS && hasKeys.get(namespace) !== undefined;
        return areKept ? { touched: 0, gone: 0 } : end(namespace);
      });
    },
  };
}
