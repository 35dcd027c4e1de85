import type { WaitingBounds } from '../../domain/delivery/waiting-bounds.ts';
import { createKnownTenants, type Tenant, type TenantNotes } from '../calls/tenants.ts';
import { NAMESPACE, type NamespaceRow } from '../rows/tables.ts';
import type { Database } from './database.ts';

/** The namespaces. They are read when they are first asked for, and then kept in memory. */
export interface Tenants extends TenantNotes {
  readonly of: (name: string) => Tenant;
  /** How many webhooks it has. They are counted once, and then in memory. */
  readonly webhooks: (name: string) => number;
  /** On what may wait of it, and in all. */
  readonly boundsOf: (name: string) => WaitingBounds;
}

export function createTenants(db: Database, bounds: WaitingBounds): Tenants {
  const select = db.prepare<NamespaceRow>(`SELECT ${NAMESPACE.columns} FROM namespaces WHERE name = ?`);
  const countAll = db.prepare<[count: number]>(`
    SELECT count(*) FROM webhooks INDEXED BY webhooks_namespace WHERE namespace = ? AND removed_at IS NULL`);
  const known = createKnownTenants(bounds);
  const of = (name: string): Tenant => known.find(name) ?? known.note(name, select.get(name));

  return {
    ...known,
    of,
    webhooks: (name) => known.webhooks(name) ?? known.counted(name, countAll.get(name)?.[0] ?? 0),
    boundsOf: (name) => known.boundsOf(of(name)),
  };
}
