import { boundedCache } from '../../domain/bounded-cache.ts';
import { LANE_WAITING_DEFAULT, type OverflowPolicy } from '../../domain/delivery/overflow.ts';
import type { BoundedLane } from '../../domain/delivery/waiting-bounds.ts';
import type { Flag } from '../rows/codes.ts';
import type { Database } from './database.ts';
import type { Tenants } from './tenants.ts';

/** What a delivery needs of its webhook. */
export interface Hook extends BoundedLane {
  readonly overflow: OverflowPolicy;
}

/** The webhooks that exist, by id. Those asked for are remembered: most deliveries go to few webhooks. */
export interface Hooks {
  readonly get: (id: string) => Hook | undefined;
  readonly forget: (id: string) => void;
  readonly forgetAll: () => void;
}

const HOOKS_MAX = 50_000;

export function createHooks(db: Database, tenants: Pick<Tenants, 'of'>): Hooks {
  const select = db.prepare<[key: number, namespace: string, waitingMax: number | null, dropNewest: Flag]>(
    'SELECT key, namespace, waiting_max, drop_newest FROM webhooks WHERE id = ? AND removed_at IS NULL',
  );
  const known = boundedCache<string, Hook>(HOOKS_MAX);

  return {
    get(id) {
      const hook = known.get(id);
      if (hook !== undefined) return hook;
      const row = select.get(id);
      if (row === undefined) return undefined;
      const [key, namespace, waitingMax, dropNewest] = row;
      const overflow = dropNewest === 1 ? 'DROP_NEWEST' : 'DROP_OLDEST';
      const { laneWaitingMax = Number.POSITIVE_INFINITY } = tenants.of(namespace).quotas;
      const bound = Math.min(waitingMax ?? LANE_WAITING_DEFAULT, laneWaitingMax);
      const found: Hook = { key, namespace, waitingMax: bound, overflow };
      known.set(id, found);
      return found;
    },
    forget: known.delete,
    forgetAll: known.clear,
  };
}
