import type { Namespace } from '../domain/access/namespace.ts';
import { boundedCache } from '../domain/bounded-cache.ts';
import type { Namespaces } from './namespaces.ts';

/**
 * Namespaces in memory, for code that needs one at every call. Nothing here is ever the only copy: when the store says
 * that any has changed, all are forgotten.
 */
export interface NamespaceDirectory {
  /** The namespace, if it is in memory and nothing has changed since. */
  peek(name: string): Namespace | undefined;
  /**
   * The namespaces with these names, in the same order; undefined where there is none. It sees every change that was
   * committed before the call. Raises UNAVAILABLE and EXHAUSTED.
   */
  load(names: readonly string[]): Promise<(Namespace | undefined)[]>;
}

/** Each takes some 200 bytes. */
const KEPT_MAX = 50_000;

export function createNamespaceDirectory({
  store,
}: {
  readonly store: Pick<Namespaces, 'getNamespaces' | 'namespaceEpoch'>;
}): NamespaceDirectory {
  const kept = boundedCache<string, Namespace>(KEPT_MAX);
  /** Of the store, when what is kept was read. */
  let epoch: number | undefined;

  function peek(name: string): Namespace | undefined {
    const now = store.namespaceEpoch();
    return now === undefined || now !== epoch ? undefined : kept.get(name);
  }

  return {
    peek,
    async load(names) {
      const held = new Map(names.map((name) => [name, peek(name)]));
      const missing = [...held.keys()].filter((name) => held.get(name) === undefined);
      if (missing.length === 0) return names.map((name) => held.get(name));
      const before = store.namespaceEpoch();
      const found = await store.getNamespaces(missing);
      // What changed while it was read may be in it or not.
      const holds = before !== undefined && store.namespaceEpoch() === before;
      if (holds && epoch !== before) {
        kept.clear();
        epoch = before;
      }
      for (const [i, name] of missing.entries()) {
        const namespace = found[i];
        if (namespace === undefined) continue;
        held.set(name, namespace);
        if (holds) kept.set(name, namespace);
      }
      return names.map((name) => held.get(name));
    },
  };
}
