import { NAMESPACES_MAX } from '../../../domain/access/namespace.ts';
import type { Answer } from '../../calls/shapes.ts';
import { NAMESPACE, NAMESPACE_CHANGED, type NamespaceRow } from '../../rows/tables.ts';
import { createCatalog } from '../catalog.ts';
import type { Context } from '../context.ts';
import type { Verbs } from '../protocol.ts';

type NamespaceVerbs = Pick<
  Verbs,
  'createNamespaces' | 'updateNamespaces' | 'getNamespaces' | 'listNamespaces' | 'namespaceUsage'
>;

export function namespaceVerbs(context: Context): NamespaceVerbs {
  const { db, tenants, hooks } = context;
  const { at } = NAMESPACE;
  const catalog = createCatalog(db);
  const insert = db.prepare(
    `INSERT INTO @namespaces (${NAMESPACE.columns}) VALUES (${NAMESPACE.holes}) ON CONFLICT DO NOTHING`,
  );
  const count = db.prepare<[count: number]>('SELECT count(*) FROM @namespaces');
  const select = db.prepare<NamespaceRow>(`SELECT ${NAMESPACE.columns} FROM @namespaces WHERE name = ANY(?)`);
  const list = db.prepare<NamespaceRow>(
    `SELECT ${NAMESPACE.columns} FROM @namespaces WHERE name > ? ORDER BY name LIMIT ?`,
  );
  const update = db.prepare(
    `UPDATE @namespaces SET ${NAMESPACE_CHANGED.assignments} WHERE name = ? AND version = ?`,
  );
  const selectIds = db.prepare<[id: string]>(
    'SELECT id FROM @webhooks WHERE key = ANY(?) AND removed_at IS NULL',
  );

  /** Lanes may be too long now for what is allowed. Only those in which anything waits are looked at. */
  async function lookAgain(name: string): Promise<void> {
    const keys = Array.from(context.waiting.lanes(name), ({ key }) => key);
    if (keys.length === 0) return;
    const ids = (await selectIds.all(keys)).map(([id]) => id);
    await hooks.load(ids);
    for (const id of ids) context.overfull.look(id, hooks.get(id)!);
  }

  async function createOne(row: NamespaceRow) {
    const name = row[at.name];
    if ((await select.get([name])) !== undefined) return 'EXISTS';
    if (((await count.get())?.[0] ?? 0) >= NAMESPACES_MAX) return 'FULL';
    await insert.run(...row);
    tenants.changed(name);
    return 'CREATED';
  }

  async function updateOne(row: NamespaceRow, ifVersion: number) {
    const name = row[at.name];
    if ((await update.run(...NAMESPACE_CHANGED.from(row), name, ifVersion)) === 0) {
      return (await select.get([name])) === undefined ? 'NOT_FOUND' : 'STALE';
    }
    await catalog.raiseAll(name);
    tenants.changed(name);
    // They have a bound of their namespace in them.
    hooks.forgetAll();
    await tenants.load([name]);
    await lookAgain(name);
    return 'UPDATED';
  }

  return {
    async createNamespaces(rows) {
      const results: Answer<'createNamespaces'> = [];
      for (const row of rows) results.push(await createOne(row));
      return results;
    },
    async updateNamespaces(rows) {
      const results: Answer<'updateNamespaces'> = [];
      for (const [row, ifVersion] of rows) results.push(await updateOne(row, ifVersion));
      return results;
    },
    async getNamespaces(names) {
      const rows = new Map((await select.all(names)).map((row) => [row[at.name], row]));
      return names.map((name) => rows.get(name));
    },
    listNamespaces: (args) => list.all(...args),
    namespaceUsage: (names) =>
      Promise.all(
        names.map(async (name): Promise<Answer<'namespaceUsage'>[number]> => {
          let longest = 0;
          for (const lane of context.waiting.lanes(name)) longest = Math.max(longest, lane.count);
          return [await tenants.webhooks(name), context.waiting.of(name), longest];
        }),
      ),
  };
}
