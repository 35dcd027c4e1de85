import type { Answer } from '../../calls/shapes.ts';
import { API_KEY, type ApiKeyRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';

type KeyVerb = 'createApiKeys' | 'listApiKeys' | 'revokeApiKeys' | 'noteApiKeyUses' | 'apiKeyChanges';

export function keyVerbs({ db, tenants }: Context): Pick<Verbs, KeyVerb> {
  const { at, columns, holes } = API_KEY;
  const insert = db.prepare(`INSERT INTO @api_keys (${columns}) VALUES (${holes})`);
  const take = db.prepare<[change: number]>("SELECT nextval('@key_changes')");
  const known = db.prepare<[number]>('SELECT 1 FROM @api_keys WHERE hash = ?');
  const counts = db.prepare<[all: number, live: number]>(`
    SELECT count(*), count(*) FILTER (WHERE revoked_at IS NULL AND coalesce(expires_at, ?1::bigint + 1) > ?1::bigint)
    FROM @api_keys`);
  const forget = db.prepare(`
    DELETE FROM @api_keys WHERE id IN (
      SELECT id FROM @api_keys WHERE revoked_at IS NOT NULL OR expires_at <= ? ORDER BY id LIMIT ?)`);
  const list = db.prepare<ApiKeyRow>(`
    SELECT ${columns} FROM @api_keys
    WHERE id > ?1 AND (?2::text IS NULL OR namespace = ?2) ORDER BY id LIMIT ?3`);
  const find = db.prepare<ApiKeyRow>(`
    SELECT ${columns} FROM @api_keys WHERE id = ?1 AND (?2::text IS NULL OR namespace = ?2)`);
  const revoke = db.prepare(`
    UPDATE @api_keys SET revoked_at = ?2, change = nextval('@key_changes') WHERE id = ?1`);
  const use = db.prepare(`
    UPDATE @api_keys SET last_used_at = ?2 WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)`);
  const changes = db.prepare<ApiKeyRow>(`
    SELECT ${columns} FROM @api_keys WHERE change > ? ORDER BY change LIMIT ?`);

  async function createOne(row: ApiKeyRow, now: number, max: number) {
    if ((await known.get(row[at.hash])) !== undefined) return 'EXISTS';
    const namespace = row[at.namespace];
    if (namespace !== null && tenants.of(namespace).state === 'DELETING') return 'SHUT';
    const [all, live] = (await counts.get(now))!;
    if (live >= max) return 'FULL';
    if (all >= max) await forget.run(now, all - max + 1);
    row[at.change] = (await take.get())![0];
    await insert.run(...row);
    return 'CREATED';
  }

  return {
    async createApiKeys([rows, now, max]) {
      await tenants.load(rows.flatMap((row) => row[at.namespace] ?? []));
      const results: Answer<'createApiKeys'> = [];
      for (const row of rows) results.push(await createOne(row, now, max));
      return results;
    },
    listApiKeys: ([from, namespace, limit]) => list.all(from, namespace, limit),
    async revokeApiKeys(rows) {
      const answers: Answer<'revokeApiKeys'> = [];
      for (const [id, now, namespace] of rows) {
        const found = await find.get(id, namespace);
        const isLive = found !== undefined && found[at.revokedAt] === null;
        if (isLive) await revoke.run(id, now);
        answers.push(found && [isLive ? (await find.get(id, namespace))! : found, isLive]);
      }
      return answers;
    },
    async noteApiKeyUses(rows) {
      for (const [id, when] of rows) await use.run(id, when);
      return null;
    },
    apiKeyChanges: ([after, limit]) => changes.all(after, limit),
  };
}
