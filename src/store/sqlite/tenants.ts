import { effectiveQuotas, type NamespaceState, type Quotas } from '../../domain/access/namespace.ts';
import { boundedCache } from '../../domain/bounded-cache.ts';
import type { WaitingBounds } from '../../domain/delivery/waiting-bounds.ts';
import { fromNamespaceRow } from '../rows/namespace.ts';
import { NAMESPACE, type NamespaceRow } from '../rows/tables.ts';
import type { Database } from './database.ts';

/** What an insertion needs to know of the namespace that it is for. */
export interface Tenant {
  /** DELETING also of one that was deleted: whoever still works for it came too late. */
  readonly state: NamespaceState;
  readonly quotas: Quotas;
}

/** The namespaces, as far as they were asked for. One that was never made says nothing, and is ACTIVE. */
export interface Tenants {
  readonly of: (name: string) => Tenant;
  /** How many webhooks it has. They are counted once, and then in memory. */
  readonly webhooks: (name: string) => number;
  /** Notes that webhooks were inserted, or removed. */
  readonly count: (name: string, change: number) => void;
  /** Its row was written. */
  readonly changed: (name: string) => void;
  /** Its row was deleted. */
  readonly gone: (name: string) => void;
  /** On what may wait of it, and in all. */
  readonly boundsOf: (name: string) => WaitingBounds;
  /** Reads everything anew, after a rollback. */
  readonly forgetAll: () => void;
}

const KNOWN_MAX = 10_000;

export function createTenants(db: Database, { waitingMax, namespaceWaitingMax }: WaitingBounds): Tenants {
  const select = db.prepare<NamespaceRow>(`SELECT ${NAMESPACE.columns} FROM namespaces WHERE name = ?`);
  const countAll = db.prepare<[count: number]>(`
    SELECT count(*) FROM webhooks INDEXED BY webhooks_namespace WHERE namespace = ? AND removed_at IS NULL`);
  const known = boundedCache<string, Tenant>(KNOWN_MAX);
  const counts = boundedCache<string, { count: number }>(KNOWN_MAX);
  /** Their names are free, but calls that began before may still be on their way. */
  const gone = boundedCache<string, true>(KNOWN_MAX);

  function read(name: string): Tenant {
    const row = select.get(name);
    const { state, quotas } =
      row === undefined
        ? ({ state: gone.get(name) ? 'DELETING' : 'ACTIVE', quotas: {} } as const)
        : fromNamespaceRow(row);
    return { state, quotas: effectiveQuotas(quotas, { waitingMax: namespaceWaitingMax }) };
  }

  function of(name: string): Tenant {
    const found = known.get(name);
    if (found !== undefined) return found;
    const tenant = read(name);
    known.set(name, tenant);
    return tenant;
  }

  return {
    of,
    boundsOf: (name) => ({ waitingMax, namespaceWaitingMax: of(name).quotas.waitingMax }),
    webhooks(name) {
      const found = counts.get(name) ?? { count: countAll.get(name)?.[0] ?? 0 };
      counts.set(name, found);
      return found.count;
    },
    count(name, change) {
      const found = counts.get(name);
      if (found !== undefined) found.count += change;
    },
    changed: known.delete,
    gone(name) {
      gone.set(name, true);
      known.delete(name);
      counts.delete(name);
    },
    forgetAll() {
      known.clear();
      counts.clear();
    },
  };
}
