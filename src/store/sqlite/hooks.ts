import { boundedCache } from '../../domain/bounded-cache.ts';
import type { Database } from './database.ts';

/** What a delivery needs of its webhook. */
export interface Hook {
  readonly key: number;
  readonly namespace: string;
}

/** The webhooks that exist, by id. Those asked for are remembered: most deliveries go to few webhooks. */
export interface Hooks {
  readonly get: (id: string) => Hook | undefined;
  readonly forget: (id: string) => void;
  readonly forgetAll: () => void;
}

const HOOKS_MAX = 50_000;

export function createHooks(db: Database): Hooks {
  const select = db.prepare<[key: number, namespace: string]>(
    'SELECT key, namespace FROM webhooks WHERE id = ? AND removed_at IS NULL',
  );
  const known = boundedCache<string, Hook>(HOOKS_MAX);

  return {
    get(id) {
      const hook = known.get(id);
      if (hook !== undefined) return hook;
      const row = select.get(id);
      if (row === undefined) return undefined;
      const [key, namespace] = row;
      const found = { key, namespace };
      known.set(id, found);
      return found;
    },
    forget: known.delete,
    forgetAll: known.clear,
  };
}
