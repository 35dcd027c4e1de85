import type { ApiKey } from '../domain/access/key.ts';

/** Keys by which callers say who they are. Which errors the port raises, and when, is said in `store.ts`. */
export interface Keys {
  /**
   * Keeps new keys. EXISTS: there is a key with the hash already, which stays as it is. SHUT: the one namespace that it
   * is for is being deleted or was. FULL: `max` keys are neither revoked nor expired at `now`. Where as many are kept in
   * all, the oldest of those that are over are forgotten. Raises UNAVAILABLE and EXHAUSTED.
   */
  createApiKeys(
    batch: readonly NewApiKey[],
    bounds: KeyBounds,
  ): Promise<('CREATED' | 'EXISTS' | 'SHUT' | 'FULL')[]>;

  /** Keys of one namespace, or all, by id, beyond the place `from`. */
  listApiKeys(query: KeyQuery): Promise<ApiKey[]>;

  /** Revokes keys, and answers how they are now; undefined for one that is not there. One that is revoked stays as it is. */
  revokeApiKeys(batch: readonly KeyRevocation[]): Promise<(ApiKey | undefined)[]>;

  /** Writes down when keys were last used; never an earlier time than is known. */
  noteApiKeyUses(batch: readonly KeyUse[]): Promise<void>;

  /**
   * Keys that were made or revoked after the change `after`, with their hashes, in the order of their last changes, at
   * most `limit`. 0 is before the first.
   */
  apiKeyChanges(query: KeyChangeQuery): Promise<KeyChange[]>;
}

export interface NewApiKey extends ApiKey {
  /** `hashOfKey` of the key. */
  readonly hash: string;
}

export interface KeyBounds {
  readonly now: number;
  readonly max: number;
}

export interface KeyQuery {
  /** Only keys that are for this namespace; undefined for all keys. */
  readonly namespace: string | undefined;
  /** Only ids beyond this one. */
  readonly from: string | undefined;
  readonly limit: number;
}

export interface KeyRevocation {
  readonly id: string;
  readonly now: number;
  /** Only a key that is for this namespace; undefined for any key. */
  readonly namespace: string | undefined;
}

export interface KeyUse {
  readonly id: string;
  readonly at: number;
}

export interface KeyChangeQuery {
  readonly after: number;
  readonly limit: number;
}

export interface KeyChange {
  readonly key: NewApiKey;
  /** Counts all changes of keys. */
  readonly change: number;
}
