import { effectiveQuotas, type NamespaceState, type Quotas } from '../../domain/access/namespace.ts';
import { boundedCache } from '../../domain/bounded-cache.ts';
import type { WaitingBounds } from '../../domain/delivery/waiting-bounds.ts';
import { fromNamespaceRow } from '../rows/namespace.ts';
import type { NamespaceRow } from '../rows/tables.ts';

/** What an insertion needs to know of the namespace that it is for. */
export interface Tenant {
  /** DELETING also of one that was deleted: whoever still works for it came too late. */
  readonly state: NamespaceState;
  readonly quotas: Quotas;
}

/** What changes what is known of namespaces. */
export interface TenantNotes {
  /** Notes that webhooks were inserted, or removed. */
  readonly count: (name: string, change: number) => void;
  /** Its row was written. */
  readonly changed: (name: string) => void;
  /** Its row was deleted. */
  readonly gone: (name: string) => void;
  /** Everything is to be read anew. */
  readonly forgetAll: () => void;
}

/** The namespaces, as far as they were read. One that was never made says nothing, and is ACTIVE. */
export interface KnownTenants extends TenantNotes {
  /** Undefined for one that is to be read. */
  readonly find: (name: string) => Tenant | undefined;
  /** Notes what was read; undefined where there is no row. */
  readonly note: (name: string, row: NamespaceRow | undefined) => Tenant;
  /** How many webhooks it has; undefined where they are to be counted. */
  readonly webhooks: (name: string) => number | undefined;
  /** Notes what was counted. */
  readonly counted: (name: string, webhooks: number) => number;
  /** On what may wait of it, and in all. */
  readonly boundsOf: (tenant: Tenant) => WaitingBounds;
}

const KNOWN_MAX = 10_000;

export function createKnownTenants({ waitingMax, namespaceWaitingMax }: WaitingBounds): KnownTenants {
  const known = boundedCache<string, Tenant>(KNOWN_MAX);
  const counts = boundedCache<string, { count: number }>(KNOWN_MAX);
  /** Their names are free, but calls that began before may still be on their way. */
  const gone = boundedCache<string, true>(KNOWN_MAX);

  return {
    find: known.get,
    note(name, row) {
      const { state, quotas } =
        row === undefined
          ? ({ state: gone.get(name) ? 'DELETING' : 'ACTIVE', quotas: {} } as const)
          : fromNamespaceRow(row);
      const tenant = { state, quotas: effectiveQuotas(quotas, { waitingMax: namespaceWaitingMax }) };
      known.set(name, tenant);
      return tenant;
    },
    webhooks: (name) => counts.get(name)?.count,
    counted(name, count) {
      counts.set(name, { count });
      return count;
    },
    boundsOf: ({ quotas }) => ({ waitingMax, namespaceWaitingMax: quotas.waitingMax }),
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
