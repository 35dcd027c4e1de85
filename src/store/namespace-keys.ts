/** The keys by which namespaces sign. Which errors the port raises, and when, is said in `store.ts`. */
import type { NamespaceKey } from '../domain/webhook/namespace-key.ts';

export interface NamespaceKeys {
  /**
   * Keeps keys, each unless its namespace has one, or is being deleted or was. Returns for each the one that its
   * namespace has now; undefined for none. Raises UNAVAILABLE and EXHAUSTED.
   */
  keepNamespaceKeys(batch: readonly NamespaceKey[]): Promise<(NamespaceKey | undefined)[]>;

  /** Those of namespaces after this one, by namespace, so many at most. Raises UNAVAILABLE and EXHAUSTED. */
  listNamespaceKeys(query: { readonly after: string; readonly limit: number }): Promise<NamespaceKey[]>;
}
