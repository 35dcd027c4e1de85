import type { Context } from '../context.ts';
import type { Answer, Args, Verbs, WebhookFilter } from '../protocol.ts';
import type { WebhookRow } from '../rows/tuples.ts';
import { createRemoval } from './removal.ts';
import { createSubscriptions } from './subscriptions.ts';

type WebhookVerbs = Pick<
  Verbs,
  'createWebhooks' | 'updateWebhooks' | 'getWebhooks' | 'findWebhook' | 'listWebhooks' | 'removeWebhooks'
>;

/** In the order of `WebhookRow`. */
const COLUMNS = `id, namespace, name, destination, state, state_reason, anchor_at, nominal_at, run_due_at,
  fired, skipped, failing_since, trips, open_until, created_at, updated_at, version, secrets, spec,
  filter_failures`;

export function webhookVerbs(context: Context): WebhookVerbs {
  const { db } = context;
  const removal = createRemoval(context);
  const subscriptions = createSubscriptions(db);

  const insert = db.prepare(`
    INSERT INTO webhooks (${COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT (namespace, name, destination) WHERE removed_at IS NULL DO NOTHING`);
  const select = db.prepare<WebhookRow>(
    `SELECT ${COLUMNS} FROM webhooks WHERE id = ? AND removed_at IS NULL`,
  );
  const selectByKey = db.prepare<WebhookRow>(`
    SELECT ${COLUMNS} FROM webhooks
    WHERE namespace = ? AND name = ? AND destination = ? AND removed_at IS NULL`);
  const selectFence = db.prepare<
    [version: number, nominalAt: number | null, fired: number, skipped: number, spec: string]
  >('SELECT version, nominal_at, fired, skipped, spec FROM webhooks WHERE id = ? AND removed_at IS NULL');
  // OR IGNORE: the key is taken by another. Nothing else that can be violated is ignored by it.
  const update = db.prepare(`
    UPDATE OR IGNORE webhooks SET
      name = ?, destination = ?, state = ?, state_reason = ?, updated_at = ?, version = ?, secrets = ?, spec = ?
    WHERE id = ?`);
  const updateCursor = db.prepare(
    'UPDATE webhooks SET anchor_at = ?, nominal_at = ?, run_due_at = ?, fired = ?, skipped = ? WHERE id = ?',
  );
  const updateHealth = db.prepare(
    'UPDATE webhooks SET failing_since = ?, trips = ?, open_until = ? WHERE id = ?',
  );
  const list = db.prepare<WebhookRow>(listing('webhooks_namespace'));
  const listByName = db.prepare<WebhookRow>(listing('webhooks_name'));

  function updateOne([webhook, ifVersion, cursorFrom, resetHealth]: Args<'updateWebhooks'>[number]) {
    const [id, namespace, name, destination, state, stateReason, anchorAt, nominalAt, dueAt, fired, skipped] =
      webhook;
    const [failingSince, trips, openUntil, , updatedAt, version, secrets, spec] = webhook.slice(11) as Tail;
    const fence = selectFence.get(id);
    if (fence === undefined) return 'NOT_FOUND';
    if (fence[0] !== ifVersion) return 'STALE';
    if (cursorFrom?.some((value, i) => value !== fence[i + 1])) return 'STALE';
    const { changes } = update.run(
      name,
      destination,
      state,
      stateReason,
      updatedAt,
      version,
      secrets,
      spec,
      id,
    );
    if (changes === 0) return 'EXISTS';
    subscriptions.change(namespace, id, fence[4], spec);
    if (cursorFrom) updateCursor.run(anchorAt, nominalAt, dueAt, fired, skipped, id);
    if (resetHealth) updateHealth.run(failingSince, trips, openUntil, id);
    return 'UPDATED';
  }

  function createOne(row: WebhookRow) {
    if (insert.run(...row).changes === 0) return 'EXISTS';
    subscriptions.add(row[1], row[0], row[18]);
    return 'CREATED';
  }

  return {
    createWebhooks: (rows) => rows.map(createOne),
    updateWebhooks: (rows) => rows.map(updateOne),
    getWebhooks: (ids) => ids.map((id) => select.get(id)),
    findWebhook: (key) => selectByKey.get(...key),
    listWebhooks: ([namespace, after, limit, name, state, labels]: WebhookFilter) =>
      (name === null ? list : listByName).all(namespace, after, limit, name, state, labels),
    removeWebhooks: (rows): Answer<'removeWebhooks'> =>
      removal.remove(rows, (id) => selectFence.get(id)?.[0]),
  };
}

/** `WebhookRow` from the lane's health on. */
type Tail = [
  failingSince: number | null,
  trips: number,
  openUntil: number | null,
  createdAt: number,
  updatedAt: number,
  version: number,
  secrets: string,
  spec: string,
  filterFailures: number,
];

/** Two statements for one verb: with a name there are few rows, to be sorted; without, many, to be read in order. */
function listing(index: 'webhooks_namespace' | 'webhooks_name'): string {
  const name = index === 'webhooks_name' ? 'name = ?4' : '?4 IS NULL';
  return `
    SELECT ${COLUMNS} FROM webhooks INDEXED BY ${index}
    WHERE namespace = ?1 AND ${name} AND id > ?2 AND removed_at IS NULL
      AND (?5 IS NULL OR state = ?5)
      AND (?6 = '{}' OR NOT EXISTS (
        SELECT 1 FROM json_each(?6) AS asked WHERE NOT EXISTS (
          SELECT 1 FROM json_each(webhooks.spec, '$.labels') AS label
          WHERE label.key = asked.key AND label.value = asked.value)))
    ORDER BY id LIMIT ?3`;
}
