import type { KeyObject } from 'node:crypto';
import type { Clock } from '../domain/clock.ts';
import type { Random } from '../domain/random.ts';
import type { SealKey } from '../domain/seal.ts';
import { type NamespaceKey, newNamespaceKey, openNamespaceKey } from '../domain/webhook/namespace-key.ts';
import type { NamespaceKeys } from './namespace-keys.ts';

/**
 * The keys of all namespaces in memory, ready for signing: there is one at most for each namespace, and a webhook is
 * aimed at without waiting for one.
 */
export interface SigningKeyring {
  /**
   * Makes a key for the namespace unless the store has one of it, or deletes it. One that was deleted and made again has
   * none, whatever is remembered of it. Raises UNAVAILABLE and EXHAUSTED.
   */
  ensure(namespace: string): Promise<void>;
  /** The private key, for signing; undefined when the namespace has none. */
  privateKeyOf(namespace: string): KeyObject | undefined;
  /** What anybody may know of its key; undefined when the namespace has none. */
  publicKeyOf(namespace: string): Pick<NamespaceKey, 'id' | 'publicKey'> | undefined;
}

export interface SigningKeyringDeps {
  readonly store: NamespaceKeys;
  readonly clock: Pick<Clock, 'now'>;
  readonly random: Random;
  readonly sealKey: SealKey;
}

/** Keys read at a time. */
const PAGE = 500;

/** Reads the keys that there are. Raises FAILED_PRECONDITION when one was sealed with another key, and UNAVAILABLE. */
export async function openSigningKeyring({
  store,
  clock,
  random,
  sealKey,
}: SigningKeyringDeps): Promise<SigningKeyring> {
  const keys = new Map<string, { readonly key: NamespaceKey; readonly opened: KeyObject }>();

  function add(key: NamespaceKey): void {
    keys.set(key.namespace, { key, opened: openNamespaceKey(sealKey, key) });
  }

  for (let after = '', page: NamespaceKey[]; ; after = page.at(-1)!.namespace) {
    page = await store.listNamespaceKeys({ after, limit: PAGE });
    page.forEach(add);
    if (page.length < PAGE) break;
  }

  return {
    async ensure(namespace) {
      const made = newNamespaceKey({ namespace, now: clock.now(), sealKey, random });
      const [kept] = await store.keepNamespaceKeys([made]);
      if (kept !== undefined) add(kept);
    },
    privateKeyOf: (namespace) => keys.get(namespace)?.opened,
    publicKeyOf: (namespace) => keys.get(namespace)?.key,
  };
}
