import type { Database } from './database.ts';

/** By which state of the webhooks of a namespace a publisher matches. */
export interface Catalog {
  /** Webhooks of these ids were changed. */
  readonly raise: (ids: readonly string[]) => Promise<void>;
  /** What all webhooks of a namespace read as has changed. */
  readonly raiseAll: (namespace: string) => Promise<void>;
}

export function createCatalog(db: Database): Catalog {
  const raised = 'ON CONFLICT (namespace) DO UPDATE SET version = c.version + 1';
  const raise = db.prepare(`
    INSERT INTO @catalog AS c (namespace, version)
    SELECT DISTINCT namespace, 1 FROM @webhooks WHERE id = ANY(?) ORDER BY namespace ${raised}`);
  const raiseAll = db.prepare(`INSERT INTO @catalog AS c (namespace, version) VALUES (?, 1) ${raised}`);
  return {
    raise: async (ids) => void (ids.length > 0 && (await raise.run(ids))),
    raiseAll: async (namespace) => void (await raiseAll.run(namespace)),
  };
}
