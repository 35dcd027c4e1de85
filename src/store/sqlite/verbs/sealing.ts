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
import { overwriting } from './overwriting.ts';

/** What a part of a walk has at most of what can be long, once there is one row. */
const WALK_BYTES = 1024 * 1024;

/** What is sealed, and what versions before wrote in the clear. */
export function sealingVerbs({
  db,
  log,
}: Context): Pick<
  Verbs,
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
  | 'resealRequests'
> {
  const selectUnsealed = db.prepare<WebhookRow>(
    `SELECT ${WEBHOOK.columns} FROM webhooks INDEXED BY webhooks_unsealed WHERE credentials = x'' ORDER BY id LIMIT ?`,
  );
  const seal = db.prepare(`UPDATE webhooks SET spec = ?, credentials = ? WHERE id = ? AND credentials = x''`);
  const selectKeys = db.prepare<SealKeyRow>(`SELECT ${SEAL_KEY.columns} FROM seal_keys ORDER BY used_at, id`);
  const noteKey = db.prepare('INSERT INTO seal_keys (id, used_at) VALUES (?, ?) ON CONFLICT DO NOTHING');
  const forgetOthers = db.prepare('DELETE FROM seal_keys WHERE id <> ?');
  const noteAlone = db.prepare('UPDATE seal_keys SET alone_at = ? WHERE id = ?');
  const count = db.prepare<[count: number]>(`
    SELECT (SELECT count(*) FROM webhooks) + (SELECT count(*) FROM namespace_keys)
      + (SELECT coalesce(sum(count), 0) FROM request_totals)`);
  // How long a text is tells its header: it is not read.
  const lengthsOfWebhooks = db.prepare<[id: string, bytes: number]>(
    'SELECT id, octet_length(spec) FROM webhooks WHERE id > ? ORDER BY id LIMIT ?',
  );
  const webhooksUpTo = db.prepare<WebhookRow>(
    `SELECT ${WEBHOOK.columns} FROM webhooks WHERE id > ? AND id <= ? ORDER BY id`,
  );
  const lengthsOfRequests = db.prepare<[namespace: string, id: string, bytes: number]>(`
    SELECT namespace, id, coalesce(octet_length(answer), 0) FROM requests
    WHERE (namespace, id) > (?, ?) ORDER BY namespace, id LIMIT ?`);
  const requestsUpTo = db.prepare<RequestRow>(`
    SELECT ${REQUEST.columns} FROM requests
    WHERE (namespace, id) > (?, ?) AND (namespace, id) <= (?, ?) ORDER BY namespace, id`);
  const secretsOf = db.prepare<[secrets: string]>(
    'SELECT secrets FROM webhooks WHERE id = ? AND version = ?',
  );
  const resealWebhook = db.prepare(`
    UPDATE webhooks SET spec = ?, secrets = ?, credentials = ?, compatibility_secret = ?
    WHERE id = ? AND credentials IS ? AND compatibility_secret IS ?`);
  const resealNamespaceKey = db.prepare(
    'UPDATE namespace_keys SET sealed = ? WHERE namespace = ? AND sealed = ?',
  );
  const resealRequest = db.prepare(
    'UPDATE requests SET answer = ? WHERE namespace = ? AND id = ? AND digest = ? AND answer = ?',
  );

  function overwrite<T>(work: () => T): T {
    log.holdsErased = true;
    return overwriting(db, work);
  }

  return {
    unsealedWebhooks: (limit) => selectUnsealed.all(limit),

    sealWebhooks(rows) {
      const { at } = WEBHOOK;
      return overwrite(() => {
        for (const row of rows) seal.run(row[at.spec], row[at.credentials], row[at.id]);
        return null;
      });
    },

    listSealKeys: () => selectKeys.all(),

    noteSealKeys: (rows) => rows.map(([id, usedAt]) => Number(noteKey.run(id, usedAt).changes) > 0),

    keepSealKey([id, aloneAt]) {
      forgetOthers.run(id);
      noteAlone.run(aloneAt, id);
      return null;
    },

    countSealable: () => count.get()?.[0] ?? 0,

    walkWebhooks([after, limit]) {
      const last = lastWithin(lengthsOfWebhooks.all(after, limit), ([, bytes]) => bytes);
      return last === undefined ? [] : webhooksUpTo.all(after, last[0]);
    },

    walkRequests([namespace, id, limit]) {
      const last = lastWithin(lengthsOfRequests.all(namespace, id, limit), ([, , bytes]) => bytes);
      return last === undefined ? [] : requestsUpTo.all(namespace, id, last[0], last[1]);
    },

    resealWebhooks: (pairs) => overwrite(() => pairs.map(([from, to]) => resealedWebhook(from, to))),

    resealNamespaceKeys: (pairs) => overwrite(() => pairs.map(([from, to]) => resealedKey(from, to))),

    resealRequests: (pairs) =>
      overwrite(() => {
        const { at } = REQUEST;
        return pairs.map(([from, to]) => {
          const [answer, before] = [to[at.answer], from[at.answer]];
          const where = [from[at.namespace], from[at.id], from[at.digest]] as const;
          return Number(resealRequest.run(answer, ...where, before).changes) > 0;
        });
      }),
  };

  function resealedWebhook(from: WebhookRow, to: WebhookRow): boolean {
    const { at } = WEBHOOK;
    const [secrets] = secretsOf.get(from[at.id], from[at.version]) ?? [];
    // A migration wrote their members in another order.
    if (secrets === undefined || encodeSecrets(decodeSecrets(secrets)) !== from[at.secrets]) return false;
    const { changes } = resealWebhook.run(
      to[at.spec],
      to[at.secrets],
      to[at.credentials],
      to[at.compatibilitySecret],
      from[at.id],
      from[at.credentials],
      from[at.compatibilitySecret],
    );
    return Number(changes) > 0;
  }

  function resealedKey(from: NamespaceKeyRow, to: NamespaceKeyRow): boolean {
    const { at } = NAMESPACE_KEY;
    return Number(resealNamespaceKey.run(to[at.sealed], from[at.namespace], from[at.sealed]).changes) > 0;
  }
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
