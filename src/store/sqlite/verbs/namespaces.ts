import { NAMESPACES_MAX } from '../../../domain/access/namespace.ts';
import { NAMESPACE, NAMESPACE_CHANGED, type NamespaceRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { insertInto } from '../insert.ts';
import type { Verbs } from '../protocol.ts';

type NamespaceVerbs = Pick<
  Verbs,
  'createNamespaces' | 'updateNamespaces' | 'getNamespaces' | 'listNamespaces' | 'namespaceUsage'
>;

export function namespaceVerbs(context: Context): NamespaceVerbs {
  const { db, tenants, hooks, waiting, overfull } = context;
  const { at } = NAMESPACE;
  const insert = insertInto(db, 'namespaces', NAMESPACE, 'ON CONFLICT DO NOTHING');
  const count = db.prepare<[count: number]>('SELECT count(*) FROM namespaces');
  const select = db.prepare<NamespaceRow>(`SELECT ${NAMESPACE.columns} FROM namespaces WHERE name = ?`);
  const list = db.prepare<NamespaceRow>(
    `SELECT ${NAMESPACE.columns} FROM namespaces WHERE name > ? ORDER BY name LIMIT ?`,
  );
  const update = db.prepare(
    `UPDATE namespaces SET ${NAMESPACE_CHANGED.assignments} WHERE name = ? AND version = ?`,
  );
  const selectId = db.prepare<[id: string]>('SELECT id FROM webhooks WHERE key = ? AND removed_at IS NULL');

  /** Lanes may be too long now for what is allowed. Only those in which anything waits are looked at. */
  function lookAgain(name: string): void {
    for (const { key } of waiting.lanes(name)) {
      const [id] = selectId.get(key) ?? [];
      const hook = id === undefined ? undefined : hooks.get(id);
      if (hook !== undefined) overfull.look(id!, hook);
    }
  }

  return {
    createNamespaces: (rows) =>
      rows.map((row) => {
        if (select.get(row[at.name]) !== undefined) return 'EXISTS';
        if ((count.get()?.[0] ?? 0) >= NAMESPACES_MAX) return 'FULL';
        insert(row);
        tenants.changed(row[at.name]);
        return 'CREATED';
      }),

    updateNamespaces: (rows) =>
      rows.map(([row, ifVersion]) => {
        const name = row[at.name];
        if (update.run(...NAMESPACE_CHANGED.from(row), name, ifVersion).changes === 0) {
          return select.get(name) === undefined ? 'NOT_FOUND' : 'STALE';
        }
        tenants.changed(name);
        // They have a bound of their namespace in them.
        hooks.forgetAll();
        lookAgain(name);
        return 'UPDATED';
      }),

    getNamespaces: (names) => names.map((name) => select.get(name)),
    listNamespaces: (args) => list.all(...args),
    namespaceUsage: (names) =>
      names.map((name) => {
        let longest = 0;
        for (const lane of waiting.lanes(name)) longest = Math.max(longest, lane.count);
        return [tenants.webhooks(name), waiting.of(name), longest];
      }),
  };
}
