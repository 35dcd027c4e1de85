/**
 * What is sealed at rest, and by which keys, so that it can be sealed anew by another. Which errors the port raises, and
 * when, is said in `store.ts`.
 */
import type { NamespaceKey } from '../domain/webhook/namespace-key.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { RequestName } from './requests.ts';

export interface Sealing {
  /** The keys by which something may be sealed, oldest first. Raises UNAVAILABLE and EXHAUSTED. */
  listSealKeys(): Promise<SealKeyUse[]>;

  /** Notes keys before they seal anything. One that is noted stays as it is. Raises UNAVAILABLE and EXHAUSTED. */
  noteSealKeys(batch: readonly Pick<SealKeyUse, 'id' | 'usedAt'>[]): Promise<void>;

  /** Notes that everything is sealed by this key, and forgets all others. Raises UNAVAILABLE and EXHAUSTED. */
  keepSealKey(key: { readonly id: string; readonly aloneAt: number }): Promise<void>;

  /** How many rows can have something sealed in them, about. Raises UNAVAILABLE and EXHAUSTED. */
  countSealable(): Promise<number>;

  /**
   * Webhooks of every namespace, also such as were removed, by id. A part can be short though more follows, where they
   * are large; it is empty at the end. Raises UNAVAILABLE and EXHAUSTED.
   */
  walkWebhooks(query: Walk<string>): Promise<Webhook[]>;

  /** Calls that are remembered, of every namespace, by name; in parts like webhooks. Raises UNAVAILABLE and EXHAUSTED. */
  walkRequests(query: Walk<RequestName>): Promise<RememberedRequest[]>;

  /**
   * Replaces what is sealed of webhooks, and the marks of it in what was asked for, each only if it is still what it is
   * in `from`; and overwrites what stood there, as `emptyLog` does in the log. Nothing else of them changes, their
   * versions neither: nobody changed them. Returns which of them were. Raises UNAVAILABLE and EXHAUSTED.
   */
  resealWebhooks(batch: readonly Resealed<Webhook>[]): Promise<boolean[]>;

  /** The same of keys of namespaces. Raises UNAVAILABLE and EXHAUSTED. */
  resealNamespaceKeys(batch: readonly Resealed<NamespaceKey>[]): Promise<boolean[]>;

  /** The same of answers that are remembered. Raises UNAVAILABLE and EXHAUSTED. */
  resealRequests(batch: readonly Resealed<RememberedRequest>[]): Promise<boolean[]>;
}

export interface SealKeyUse {
  readonly id: string;
  /** Since when it seals. */
  readonly usedAt: number;
  /** When everything was sealed by it, and nothing by another; undefined where that was never so. */
  readonly aloneAt?: number;
}

export interface Walk<Place> {
  /** Only what follows; undefined for all. */
  readonly after: Place | undefined;
  readonly limit: number;
}

/** The same thing before and after. */
export interface Resealed<T> {
  readonly from: T;
  readonly to: T;
}

export interface RememberedRequest extends RequestName {
  readonly digest: string;
  readonly claimedAt: number;
  /** Until when it is remembered. */
  readonly until: number;
  /** Sealed; undefined while there is none. */
  readonly answer?: Uint8Array;
}
