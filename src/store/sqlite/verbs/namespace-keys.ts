import { NAMESPACE_KEY, type NamespaceKeyRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { insertInto } from '../insert.ts';
import type { Verbs } from '../protocol.ts';

export function namespaceKeyVerbs(
  context: Pick<Context, 'db' | 'tenants'>,
): Pick<Verbs, 'keepNamespaceKeys' | 'listNamespaceKeys'> {
  const { db, tenants } = context;
  const { at, columns } = NAMESPACE_KEY;
  const insert = insertInto(db, 'namespace_keys', NAMESPACE_KEY, 'ON CONFLICT DO NOTHING');
  const select = db.prepare<NamespaceKeyRow>(`SELECT ${columns} FROM namespace_keys WHERE namespace = ?`);
  const list = db.prepare<NamespaceKeyRow>(`
    SELECT ${columns} FROM namespace_keys WHERE namespace > ? ORDER BY namespace LIMIT ?`);

  return {
    keepNamespaceKeys: (rows) =>
      rows.map((row) => {
        const namespace = row[at.namespace];
        if (tenants.of(namespace).state !== 'DELETING') insert(row);
        return select.get(namespace);
      }),
    listNamespaceKeys: ([after, limit]) => list.all(after, limit),
  };
}
