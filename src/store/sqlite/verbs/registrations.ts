import { isStale, UPDATE, type UpdateRow } from '../../rows/messages.ts';
import {
  CONSENT,
  CURSOR,
  HEALTH,
  RINGING,
  type RingingRow,
  WEBHOOK,
  WEBHOOK_CHANGED,
  type WebhookRow,
} from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { insertInto } from '../insert.ts';
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
  const { db, hooks, overfull, tenants, waiting, lastAttempts } = context;
  const { at } = WEBHOOK;
  const removal = createRemoval(context);
  const subscriptions = createSubscriptions(db);

  const insert = insertInto(
    db,
    'webhooks',
    WEBHOOK,
    // Of what can be taken already, the name with the destination and the caller's id.
    'ON CONFLICT DO NOTHING',
  );
  const select = db.prepare<WebhookRow>(
    `SELECT ${WEBHOOK.columns} FROM webhooks WHERE id = ? AND removed_at IS NULL`,
  );
  const selectRinging = db.prepare<RingingRow>(
    `SELECT ${RINGING.columns} FROM webhooks WHERE id = ? AND removed_at IS NULL`,
  );
  const selectByCallerId = db.prepare<WebhookRow>(`
    SELECT ${WEBHOOK.columns} FROM webhooks WHERE namespace = ? AND caller_id = ? AND removed_at IS NULL`);
  const selectByKey = db.prepare<WebhookRow>(`
    SELECT ${WEBHOOK.columns} FROM webhooks
    WHERE namespace = ? AND name = ? AND destination = ? AND removed_at IS NULL`);
  const selectUnverified = db.prepare<WebhookRow>(`
    SELECT ${WEBHOOK.columns} FROM webhooks INDEXED BY webhooks_unverified
    WHERE unverified = 1 AND removed_at IS NULL ORDER BY id LIMIT ?`);
  // OR IGNORE is for a key that another webhook has. No other constraint can be violated here.
  const update = db.prepare(`UPDATE OR IGNORE webhooks SET ${WEBHOOK_CHANGED.assignments} WHERE id = ?`);
  const updateCursor = db.prepare(`UPDATE webhooks SET ${CURSOR.assignments} WHERE id = ?`);
  const resetConsent = db.prepare(`UPDATE webhooks SET ${CONSENT.assignments} WHERE id = ?`);
  const resetHealth = db.prepare(
    `UPDATE webhooks SET ${HEALTH.assignments}, health_version = version WHERE id = ?`,
  );

  function updateOne(row: UpdateRow) {
    const webhook = row[UPDATE.at.webhook];
    const cursorFrom = row[UPDATE.at.cursorFrom];
    const id = webhook[at.id];
    const stored = select.get(id);
    if (stored === undefined) return 'NOT_FOUND';
    if (isStale(row, stored)) return 'STALE';
    if (update.run(...WEBHOOK_CHANGED.from(webhook), id).changes === 0) return 'EXISTS';
    hooks.forget(id);
    overfull.look(id, hooks.get(id)!);
    subscriptions.change(webhook[at.namespace], id, stored[at.spec], webhook[at.spec]);
    if (cursorFrom !== null) updateCursor.run(...CURSOR.from(webhook), id);
    if (row[UPDATE.at.resetConsent] === 1) resetConsent.run(...CONSENT.from(webhook), id);
    if (row[UPDATE.at.resetHealth] === 1) resetHealth.run(...HEALTH.from(webhook), id);
    return 'UPDATED';
  }

  function createOne(row: WebhookRow) {
    const namespace = row[at.namespace];
    const { state, quotas } = tenants.of(namespace);
    if (state === 'DELETING') return 'SHUT';
    const { webhooksMax } = quotas;
    if (webhooksMax !== undefined && tenants.webhooks(namespace) >= webhooksMax) {
      return isTaken(row) ? 'EXISTS' : 'FULL';
    }
    if (insert(row) === 0) return 'EXISTS';
    tenants.count(namespace, 1);
    subscriptions.add(namespace, row[at.id], row[at.spec]);
    return 'CREATED';
  }

  /** Whoever registers the same again has no need of room. */
  function isTaken(row: WebhookRow): boolean {
    const callerId = row[at.callerId];
    return (
      selectByKey.get(row[at.namespace], row[at.name], row[at.destination]) !== undefined ||
      (callerId !== null && selectByCallerId.get(row[at.namespace], callerId) !== undefined)
    );
  }

  /** Of a namespace that is being deleted nothing is there any more for those who ring. */
  function ringing(id: string): RingingRow | undefined {
    const row = selectRinging.get(id);
    return row?.[RINGING.at.namespaceState] === 'DELETING' ? undefined : row;
  }

  return {
    createWebhooks: (rows) => rows.map(createOne),
    updateWebhooks: (rows) => rows.map(updateOne),
    getWebhooks: (ids) => ids.map(ringing),
    resolveWebhooks: (names) =>
      names.map(([namespace, id]) => {
        const own = select.get(id);
        return own?.[at.namespace] === namespace ? own : selectByCallerId.get(namespace, id);
      }),
    findWebhook: (key) => selectByKey.get(...key),
    unverifiedWebhooks: (limit) => selectUnverified.all(limit),
    listWebhooks: webhookList(db),
    getTraffic: (ids) =>
      ids.map((id) => {
        const hook = hooks.get(id);
        return hook === undefined ? null : [waiting.in(hook), lastAttempts.of(hook.key) ?? null];
      }),
    removeWebhooks: (rows) => removal.remove(rows, (id) => select.get(id)?.[at.version]),
  };
}
