import { NAMESPACE_KEY, type NamespaceKeyRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';

export function namespaceKeyVerbs({
  db,
  tenants,
}: Context): Pick<Verbs, 'keepNamespaceKeys' | 'listNamespaceKeys'> {
  const { at, columns, holes } = NAMESPACE_KEY;
  const insert = db.prepare(
    `INSERT INTO @namespace_keys (${columns}) VALUES (${holes}) ON CONFLICT DO NOTHING`,
  );
  const select = db.prepare<NamespaceKeyRow>(`SELECT ${columns} FROM @namespace_keys WHERE namespace = ?`);
  const list = db.prepare<NamespaceKeyRow>(`
    SELECT ${columns} FROM @namespace_keys WHERE namespace > ? ORDER BY namespace LIMIT ?`);

  return {
    async keepNamespaceKeys(rows) {
      await tenants.load(rows.map((row) => row[at.namespace]));
      const kept: (NamespaceKeyRow | undefined)[] = [];
      for (const row of rows) {
        const namespace = row[at.namespace];
        if (tenants.of(namespace).state !== 'DELETING') await insert.run(...row);
        kept.push(await select.get(namespace));
      }
      return kept;
    },
    listNamespaceKeys: ([after, limit]) => list.all(after, limit),
  };
}
