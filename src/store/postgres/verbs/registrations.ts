import { isStale, UPDATE, type UpdateRow } from '../../rows/messages.ts';
import {
  CONSENT,
  CURSOR,
  HEALTH,
  type RingingRow,
  WEBHOOK,
  WEBHOOK_CHANGED,
  type WebhookRow,
} from '../../rows/tables.ts';
import { createCatalog } from '../catalog.ts';
import type { Context } from '../context.ts';
import { RINGING } from '../joins.ts';
import { webhookList } from '../lists/webhooks.ts';
import type { Verbs } from '../protocol.ts';
import { createRemoval } from './removal.ts';
import { createSubscriptions } from './subscriptions.ts';

type WebhookVerbs = Pick<
  Verbs,
  | 'createWebhooks'
  | 'updateWebhooks'
  | 'getWebhooks'
  | 'resolveWebhooks'
  | 'findWebhook'
  | 'unverifiedWebhooks'
  | 'listWebhooks'
  | 'getTraffic'
  | 'removeWebhooks'
>;

export function webhookVerbs(context: Context): WebhookVerbs {
  const { db, hooks, tenants, lastAttempts } = context;
  const { at } = WEBHOOK;
  const removal = createRemoval(context);
  const subscriptions = createSubscriptions(db);
  const catalog = createCatalog(db);

  // Of what can be taken already, the name with the destination and the caller's id.
  const insert = db.prepare(
    `INSERT INTO @webhooks (${WEBHOOK.columns}) VALUES (${WEBHOOK.holes}) ON CONFLICT DO NOTHING`,
  );
  const select = db.prepare<WebhookRow>(
    `SELECT ${WEBHOOK.columns} FROM @webhooks WHERE id = ? AND removed_at IS NULL`,
  );
  const selectRinging = db.prepare<RingingRow>(
    `SELECT ${RINGING.columns} FROM @webhooks AS w WHERE id = ANY(?) AND removed_at IS NULL`,
  );
  const selectByCallerId = db.prepare<WebhookRow>(`
    SELECT ${WEBHOOK.columns} FROM @webhooks WHERE namespace = ? AND caller_id = ? AND removed_at IS NULL`);
  const selectByKey = db.prepare<WebhookRow>(`
    SELECT ${WEBHOOK.columns} FROM @webhooks
    WHERE namespace = ? AND name = ? AND destination = ? AND removed_at IS NULL`);
  const selectUnverified = db.prepare<WebhookRow>(`
    SELECT ${WEBHOOK.columns} FROM @webhooks WHERE unverified = 1 AND removed_at IS NULL ORDER BY id LIMIT ?`);
  const update = db.prepare(
    `UPDATE @webhooks SET ${WEBHOOK_CHANGED.assignments}, xid = pg_current_xact_id() WHERE id = ?`,
  );
  const updateCursor = db.prepare(`UPDATE @webhooks SET ${CURSOR.assignments} WHERE id = ?`);
  const resetConsent = db.prepare(`UPDATE @webhooks SET ${CONSENT.assignments} WHERE id = ?`);
  const resetHealth = db.prepare(
    `UPDATE @webhooks SET ${HEALTH.assignments}, health_version = version WHERE id = ?`,
  );

  async function updateOne(row: UpdateRow) {
    const webhook = row[UPDATE.at.webhook];
    const cursorFrom = row[UPDATE.at.cursorFrom];
    const id = webhook[at.id];
    const stored = await select.get(id);
    if (stored === undefined) return 'NOT_FOUND';
    if (isStale(row, stored)) return 'STALE';
    const other = await selectByKey.get(stored[at.namespace], webhook[at.name], webhook[at.destination]);
    if (other !== undefined && other[at.id] !== id) return 'EXISTS';
    await update.run(...WEBHOOK_CHANGED.from(webhook), id);
    hooks.forget(id);
    await hooks.load([id]);
    context.overfull.look(id, hooks.get(id)!);
    await subscriptions.change(webhook[at.namespace], id, stored[at.spec], webhook[at.spec]);
    if (cursorFrom !== null) await updateCursor.run(...CURSOR.from(webhook), id);
    if (row[UPDATE.at.resetConsent] === 1) await resetConsent.run(...CONSENT.from(webhook), id);
    if (row[UPDATE.at.resetHealth] === 1) await resetHealth.run(...HEALTH.from(webhook), id);
    return 'UPDATED';
  }

  async function createOne(row: WebhookRow) {
    const namespace = row[at.namespace];
    const { state, quotas } = tenants.of(namespace);
    if (state === 'DELETING') return 'SHUT';
    const { webhooksMax } = quotas;
    if (webhooksMax !== undefined && (await tenants.webhooks(namespace)) >= webhooksMax) {
      return (await isTaken(row)) ? 'EXISTS' : 'FULL';
    }
    if ((await insert.run(...row)) === 0) return 'EXISTS';
    tenants.count(namespace, 1);
    await subscriptions.add(namespace, row[at.id], row[at.spec]);
    return 'CREATED';
  }

  /** Whoever registers the same again has no need of room. */
  async function isTaken(row: WebhookRow): Promise<boolean> {
    const callerId = row[at.callerId];
    return (
      (await selectByKey.get(row[at.namespace], row[at.name], row[at.destination])) !== undefined ||
      (callerId !== null && (await selectByCallerId.get(row[at.namespace], callerId)) !== undefined)
    );
  }

  return {
    async createWebhooks(rows) {
      await tenants.load(rows.map((row) => row[at.namespace]));
      const results: Awaited<ReturnType<typeof createOne>>[] = [];
      for (const row of rows) results.push(await createOne(row));
      await catalog.raise(rows.filter((_, i) => results[i] === 'CREATED').map((row) => row[at.id]));
      return results;
    },
    async updateWebhooks(rows) {
      const results: Awaited<ReturnType<typeof updateOne>>[] = [];
      for (const row of rows) results.push(await updateOne(row));
      const updated = rows.filter((_, i) => results[i] === 'UPDATED');
      await catalog.raise(updated.map((row) => row[UPDATE.at.webhook][at.id]));
      return results;
    },
    async getWebhooks(ids) {
      if (ids.length === 0) return [];
      const rows = new Map((await selectRinging.all(ids)).map((row) => [row[at.id], row]));
      // Of a namespace that is being deleted nothing is there any more for those who ring.
      return ids.map((id) => {
        const row = rows.get(id);
        return row?.[RINGING.at.namespaceState] === 'DELETING' ? undefined : row;
      });
    },
    resolveWebhooks: (names) =>
      Promise.all(
        names.map(async ([namespace, id]) => {
          const own = await select.get(id);
          return own?.[at.namespace] === namespace ? own : selectByCallerId.get(namespace, id);
        }),
      ),
    findWebhook: (key) => selectByKey.get(...key),
    unverifiedWebhooks: (limit) => selectUnverified.all(limit),
    listWebhooks: webhookList(db),
    async getTraffic(ids) {
      await hooks.load(ids);
      const keys = ids.flatMap((id) => hooks.get(id)?.key ?? []);
      const last = await lastAttempts.of(keys);
      return ids.map((id) => {
        const hook = hooks.get(id);
        return hook === undefined ? null : [context.waiting.in(hook), last.get(hook.key) ?? null];
      });
    },
    removeWebhooks: (rows) => removal.remove(rows),
  };
}
