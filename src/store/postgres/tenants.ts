import type { WaitingBounds } from '../../domain/delivery/waiting-bounds.ts';
import { createKnownTenants, type Tenant, type TenantNotes } from '../calls/tenants.ts';
import { NAMESPACE, type NamespaceRow } from '../rows/tables.ts';
import type { Database } from './database.ts';

/** The namespaces, as far as they were loaded. */
export interface Tenants extends TenantNotes {
  /** Before they are asked for. */
  readonly load: (names: Iterable<string>) => Promise<void>;
  readonly of: (name: string) => Tenant;
  /** How many webhooks it has. They are counted once, and then in memory. */
  readonly webhooks: (name: string) => Promise<number>;
  /** On what may wait of it, and in all. */
  readonly boundsOf: (name: string) => WaitingBounds;
}

export function createTenants(db: Database, bounds: WaitingBounds): Tenants {
  const select = db.prepare<NamespaceRow>(`SELECT ${NAMESPACE.columns} FROM @namespaces WHERE name = ANY(?)`);
  const countAll = db.prepare<[count: number]>(
    'SELECT count(*) FROM @webhooks WHERE namespace = ? AND removed_at IS NULL',
  );
  const known = createKnownTenants(bounds);

  function of(name: string): Tenant {
    const found = known.find(name);
    if (found === undefined) throw new Error(`the namespace ${name} was not loaded`);
    return found;
  }

  return {
    ...known,
    async load(names) {
      const missing = [...new Set(names)].filter((name) => known.find(name) === undefined);
      if (missing.length === 0) return;
      const rows = new Map((await select.all(missing)).map((row) => [row[NAMESPACE.at.name], row]));
      for (const name of missing) known.note(name, rows.get(name));
    },
    of,
    webhooks: async (name) =>
      known.webhooks(name) ?? known.counted(name, (await countAll.get(name))?.[0] ?? 0),
    boundsOf: (name) => known.boundsOf(of(name)),
  };
}
