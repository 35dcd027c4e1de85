import { decodeSecrets, encodeSecrets } from '../../rows/secrets.ts';
import {
  NAMESPACE_KEY,
  type NamespaceKeyRow,
  REQUEST,
  type RequestRow,
  SEAL_KEY,
  type SealKeyRow,
  WEBHOOK,
  type WebhookRow,
} from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';

type SealingVerb =
  | 'unsealedWebhooks'
  | 'sealWebhooks'
  | 'listSealKeys'
  | 'noteSealKeys'
  | 'keepSealKey'
  | 'countSealable'
  | 'walkWebhooks'
  | 'walkRequests'
  | 'resealWebhooks'
  | 'resealNamespaceKeys'
  | 'resealRequests';

/** What a part of a walk has at most of what can be long, once there is one row. */
const WALK_BYTES = 1024 * 1024;

/** What is sealed, and what versions before wrote in the clear: that can come from a database of before. */
export function sealingVerbs({ db, erased }: Context): Pick<Verbs, SealingVerb> {
  const selectUnsealed = db.prepare<WebhookRow>(
    `SELECT ${WEBHOOK.columns} FROM @webhooks WHERE length(credentials) = 0 ORDER BY id LIMIT ?`,
  );
  const seal = db.prepare(`
    UPDATE @webhooks SET spec = ?, credentials = ?, xid = pg_current_xact_id()
    WHERE id = ? AND length(credentials) = 0`);
  const selectKeys = db.prepare<SealKeyRow>(
    `SELECT ${SEAL_KEY.columns} FROM @seal_keys ORDER BY used_at, id`,
  );
  const noteKey = db.prepare('INSERT INTO @seal_keys (id, used_at) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const forgetOthers = db.prepare('DELETE FROM @seal_keys WHERE id <> ?');
  const noteAlone = db.prepare('UPDATE @seal_keys SET alone_at = ? WHERE id = ?');
  const count = db.prepare<[count: number]>(`
    SELECT (SELECT count(*) FROM @webhooks) + (SELECT count(*) FROM @namespace_keys)
      + (SELECT coalesce(sum(count), 0)::bigint FROM @request_totals)`);
  const lengthsOfWebhooks = db.prepare<[id: string, bytes: number]>(
    'SELECT id, octet_length(spec) FROM @webhooks WHERE id > ? ORDER BY id LIMIT ?',
  );
  const webhooksUpTo = db.prepare<WebhookRow>(
    `SELECT ${WEBHOOK.columns} FROM @webhooks WHERE id > ? AND id <= ? ORDER BY id`,
  );
  const lengthsOfRequests = db.prepare<[namespace: string, id: string, bytes: number]>(`
    SELECT namespace, id, coalesce(octet_length(answer), 0) FROM @requests
    WHERE (namespace, id) > (?::text, ?::text) ORDER BY namespace, id LIMIT ?`);
  const requestsUpTo = db.prepare<RequestRow>(`
    SELECT ${REQUEST.columns} FROM @requests
    WHERE (namespace, id) > (?::text, ?::text) AND (namespace, id) <= (?::text, ?::text) ORDER BY namespace, id`);
  const secretsOf = db.prepare<[secrets: string]>(
    'SELECT secrets FROM @webhooks WHERE id = ? AND version = ?',
  );
  const resealWebhook = db.prepare(`
    UPDATE @webhooks SET spec = ?, secrets = ?, credentials = ?, compatibility_secret = ?,
      xid = pg_current_xact_id()
    WHERE id = ? AND credentials IS NOT DISTINCT FROM ? AND compatibility_secret IS NOT DISTINCT FROM ?`);
  const resealNamespaceKey = db.prepare(
    'UPDATE @namespace_keys SET sealed = ? WHERE namespace = ? AND sealed = ?',
  );
  const resealRequest = db.prepare(
    'UPDATE @requests SET answer = ? WHERE namespace = ? AND id = ? AND digest = ? AND answer = ?',
  );

  async function resealedWebhook(from: WebhookRow, to: WebhookRow): Promise<boolean> {
    const { at } = WEBHOOK;
    const [secrets] = (await secretsOf.get(from[at.id], from[at.version])) ?? [];
    if (secrets === undefined || encodeSecrets(decodeSecrets(secrets)) !== from[at.secrets]) return false;
    const changes = await resealWebhook.run(
      to[at.spec],
      to[at.secrets],
      to[at.credentials],
      to[at.compatibilitySecret],
      from[at.id],
      from[at.credentials],
      from[at.compatibilitySecret],
    );
    return changes > 0;
  }

  async function resealedKey(from: NamespaceKeyRow, to: NamespaceKeyRow): Promise<boolean> {
    const { at } = NAMESPACE_KEY;
    return (await resealNamespaceKey.run(to[at.sealed], from[at.namespace], from[at.sealed])) > 0;
  }

  async function resealedRequest(from: RequestRow, to: RequestRow): Promise<boolean> {
    const { at } = REQUEST;
    const where = [from[at.namespace], from[at.id], from[at.digest], from[at.answer]] as const;
    return (await resealRequest.run(to[at.answer], ...where)) > 0;
  }

  /** One after the other, since the same can come twice. What stood there is cleared away by `emptyLog`. */
  async function reseal<Row>(
    pairs: readonly [from: Row, to: Row][],
    one: (from: Row, to: Row) => Promise<boolean>,
  ): Promise<boolean[]> {
    erased.in('webhooks', 'namespace_keys', 'requests');
    const done: boolean[] = [];
    for (const [from, to] of pairs) done.push(await one(from, to));
    return done;
  }

  return {
    unsealedWebhooks: (limit) => selectUnsealed.all(limit),

    async sealWebhooks(rows) {
      const { at } = WEBHOOK;
      erased.in('webhooks');
      for (const row of rows) await seal.run(row[at.spec], row[at.credentials], row[at.id]);
      return null;
    },

    listSealKeys: () => selectKeys.all(),

    async noteSealKeys(rows) {
      const noted: boolean[] = [];
      for (const [id, usedAt] of rows) noted.push((await noteKey.run(id, usedAt)) > 0);
      return noted;
    },

    async keepSealKey([id, aloneAt]) {
      await forgetOthers.run(id);
      await noteAlone.run(aloneAt, id);
      return null;
    },

    countSealable: async () => (await count.get())?.[0] ?? 0,

    async walkWebhooks([after, limit]) {
      const last = lastWithin(await lengthsOfWebhooks.all(after, limit), ([, bytes]) => bytes);
      return last === undefined ? [] : webhooksUpTo.all(after, last[0]);
    },

    async walkRequests([namespace, id, limit]) {
      const last = lastWithin(await lengthsOfRequests.all(namespace, id, limit), ([, , bytes]) => bytes);
      return last === undefined ? [] : requestsUpTo.all(namespace, id, last[0], last[1]);
    },

    resealWebhooks: (pairs) => reseal(pairs, resealedWebhook),
    resealNamespaceKeys: (pairs) => reseal(pairs, resealedKey),
    resealRequests: (pairs) => reseal(pairs, resealedRequest),
  };
}

/** The last of the rows that are not too long together: the first at least. */
function lastWithin<Row>(rows: readonly Row[], bytesOf: (row: Row) => number): Row | undefined {
  let bytes = 0;
  const beyond = rows.findIndex((row, i) => {
    bytes += bytesOf(row);
    return i > 0 && bytes > WALK_BYTES;
  });
  return beyond === -1 ? rows.at(-1) : rows[beyond - 1];
}
