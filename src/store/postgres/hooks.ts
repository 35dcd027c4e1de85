import { boundedCache } from '../../domain/bounded-cache.ts';
import { LANE_WAITING_DEFAULT, type OverflowPolicy } from '../../domain/delivery/overflow.ts';
import type { BoundedLane } from '../../domain/delivery/waiting-bounds.ts';
import type { Flag } from '../rows/codes.ts';
import type { Database } from './database.ts';
import type { Tenants } from './tenants.ts';

/** What a delivery needs of its webhook. */
export interface Hook extends BoundedLane {
  readonly id: string;
  readonly overflow: OverflowPolicy;
}

/** The webhooks that exist, by id. Those asked for are remembered: most deliveries go to few webhooks. */
export interface Hooks {
  /** Before they are asked for; loads their namespaces, too. */
  readonly load: (ids: Iterable<string>) => Promise<void>;
  /** Undefined where there is none. */
  readonly get: (id: string) => Hook | undefined;
  readonly forget: (id: string) => void;
  readonly forgetAll: () => void;
}

const HOOKS_MAX = 50_000;

type Row = [key: number, id: string, namespace: string, waitingMax: number | null, dropNewest: Flag];

export function createHooks(db: Database, tenants: Pick<Tenants, 'of' | 'load'>): Hooks {
  const select = db.prepare<Row>(`
    SELECT key, id, namespace, waiting_max, drop_newest FROM @webhooks WHERE id = ANY(?) AND removed_at IS NULL`);
  const known = boundedCache<string, Hook>(HOOKS_MAX);

  function hookOf([key, id, namespace, waitingMax, dropNewest]: Row): Hook {
    const overflow = dropNewest === 1 ? 'DROP_NEWEST' : 'DROP_OLDEST';
    const { laneWaitingMax = Number.POSITIVE_INFINITY } = tenants.of(namespace).quotas;
    const bound = Math.min(waitingMax ?? LANE_WAITING_DEFAULT, laneWaitingMax);
    return { key, id, namespace, waitingMax: bound, overflow };
  }

  return {
    async load(ids) {
      const namespaces: string[] = [];
      const missing = [...new Set(ids)].filter((id) => {
        const hook = known.get(id);
        if (hook !== undefined) namespaces.push(hook.namespace);
        return hook === undefined;
      });
      const rows = missing.length === 0 ? [] : await select.all(missing);
      for (const row of rows) namespaces.push(row[2]);
      await tenants.load(namespaces);
      for (const row of rows) known.set(row[1], hookOf(row));
    },
    get: known.get,
    forget: known.delete,
    forgetAll: known.clear,
  };
}
