/** Tenants. Which errors the port raises, and when, is said in `store.ts`. */
import type { Namespace, Usage } from '../domain/access/namespace.ts';

export interface Namespaces {
  /**
   * Inserts namespaces. 'EXISTS' for one whose name is taken, also by one that is DELETING; 'FULL' where there are
   * `NAMESPACES_MAX`. Raises UNAVAILABLE and EXHAUSTED.
   */
  createNamespaces(batch: readonly Namespace[]): Promise<('CREATED' | 'EXISTS' | 'FULL')[]>;

  /**
   * Replaces state and quotas of namespaces, each only if its stored version is still `ifVersion`; otherwise it is
   * 'STALE'. 'NOT_FOUND' when there is none. What depends on the state sees every webhook of it as changed: one of a
   * namespace that is not ACTIVE reads as `suspended`, and one of a namespace that is DELETING is not found by
   * `getWebhooks`. `sweep` deletes what a DELETING namespace owns, and then itself. Raises UNAVAILABLE and EXHAUSTED.
   */
  updateNamespaces(batch: readonly NamespaceUpdate[]): Promise<('UPDATED' | 'STALE' | 'NOT_FOUND')[]>;

  /** The namespaces with these names, in the same order; undefined where there is none. Raises UNAVAILABLE and EXHAUSTED. */
  getNamespaces(names: readonly string[]): Promise<(Namespace | undefined)[]>;

  /** Namespaces by name, ascending, after the given one. Raises UNAVAILABLE and EXHAUSTED. */
  listNamespaces(query: { readonly after?: string; readonly limit: number }): Promise<Namespace[]>;

  /** How much each of these has, in the same order. Raises UNAVAILABLE and EXHAUSTED. */
  namespaceUsage(names: readonly string[]): Promise<Usage[]>;

  /**
   * A number that grows with every committed change of a namespace, before the promise of that change resolves.
   * Undefined where other processes change namespaces too. Synchronous, because every publish asks. Raises nothing.
   */
  namespaceEpoch(): number | undefined;
}

export interface NamespaceUpdate {
  readonly namespace: Namespace;
  readonly ifVersion: number;
  /** The fields that it changes, for the audit log. */
  readonly changed?: readonly string[];
}
