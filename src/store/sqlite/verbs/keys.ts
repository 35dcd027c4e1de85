import { API_KEY, type ApiKeyRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { insertInto } from '../insert.ts';
import type { Verbs } from '../protocol.ts';

type KeyVerb = 'createApiKeys' | 'listApiKeys' | 'revokeApiKeys' | 'noteApiKeyUses' | 'apiKeyChanges';

export function keyVerbs(context: Pick<Context, 'db' | 'tenants' | 'takeKeyChange'>): Pick<Verbs, KeyVerb> {
  const { db, tenants, takeKeyChange } = context;
  const insert = insertInto(db, 'api_keys', API_KEY);
  const known = db.prepare<[number]>('SELECT 1 FROM api_keys WHERE hash = ?');
  const counts = db.prepare<[all: number, live: number]>(`
    SELECT count(*), count(*) FILTER (WHERE revoked_at IS NULL AND coalesce(expires_at, ?1 + 1) > ?1) FROM api_keys`);
  const forget = db.prepare(`
    DELETE FROM api_keys WHERE id IN (
      SELECT id FROM api_keys WHERE revoked_at IS NOT NULL OR expires_at <= ? ORDER BY id LIMIT ?)`);
  const list = db.prepare<ApiKeyRow>(`
    SELECT ${API_KEY.columns} FROM api_keys
    WHERE id > ?1 AND (?2 IS NULL OR namespace = ?2) ORDER BY id LIMIT ?3`);
  const find = db.prepare<ApiKeyRow>(`
    SELECT ${API_KEY.columns} FROM api_keys WHERE id = ?1 AND (?2 IS NULL OR namespace = ?2)`);
  const revoke = db.prepare('UPDATE api_keys SET revoked_at = ?2, change = ?3 WHERE id = ?1');
  const use = db.prepare(`
    UPDATE api_keys SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)`);
  const changes = db.prepare<ApiKeyRow>(`
    SELECT ${API_KEY.columns} FROM api_keys WHERE change > ? ORDER BY change LIMIT ?`);

  return {
    createApiKeys([rows, now, max]) {
      return rows.map((row) => {
        if (known.get(row[API_KEY.at.hash]) !== undefined) return 'EXISTS';
        const namespace = row[API_KEY.at.namespace];
        if (namespace !== null && tenants.of(namespace).state === 'DELETING') return 'SHUT';
        const [all, live] = counts.get(now)!;
        if (live >= max) return 'FULL';
        row[API_KEY.at.change] = takeKeyChange();
        if (all >= max) forget.run(now, all - max + 1);
        insert(row);
        return 'CREATED';
      });
    },
    listApiKeys: ([from, namespace, limit]) => list.all(from, namespace, limit),
    revokeApiKeys: (rows) =>
      rows.map(([id, now, namespace]) => {
        const found = find.get(id, namespace);
        if (found === undefined) return undefined;
        if (found[API_KEY.at.revokedAt] !== null) return [found, false];
        revoke.run(id, now, takeKeyChange());
        return [find.get(id, namespace)!, true];
      }),
    noteApiKeyUses(rows) {
      for (const [id, at] of rows) use.run(id, at);
      return null;
    },
    apiKeyChanges: ([after, limit]) => changes.all(after, limit),
  };
}
