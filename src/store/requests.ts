/**
 * What callers asked for under a name of their own (AIP-155), and what they were answered. Which errors the port
 * raises, and when, is said in `store.ts`.
 */
export interface Requests {
  /**
   * Claims names, each in its namespace, until `until`. CLAIMED: nobody had the name, or its time is over. BEGUN:
   * it was claimed for the same content, and there is no answer; `at` is when. ANSWERED: it was claimed for the
   * same content, and this was the answer. Each with the digest that is remembered. OTHER: it was claimed for other content. FULL: as much is remembered of
   * the namespace as the bounds allow, and the name is not known. Only CLAIMED changes anything.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  claimRequests(batch: readonly RequestClaim[]): Promise<ClaimResult[]>;

  /** Remembers the answers to calls that were claimed. One that is gone, or has an answer, is left as it is. */
  answerRequests(batch: readonly RequestAnswer[]): Promise<void>;

  /** Forgets claims, of calls that did nothing. One that has an answer is left as it is. */
  releaseRequests(batch: readonly RequestName[]): Promise<void>;
}

export interface RequestName {
  readonly namespace: string;
  readonly requestId: string;
}

export interface RequestClaim extends RequestName {
  /** Tells what is asked for from everything else. */
  readonly digest: string;
  /** The same by keys of before: one of them may be remembered. */
  readonly formerDigests?: readonly string[];
  readonly now: number;
  readonly until: number;
}

export type ClaimResult =
  | { readonly kind: 'CLAIMED' | 'BEGUN'; readonly at: number; readonly digest: string }
  | { readonly kind: 'ANSWERED'; readonly answer: Uint8Array; readonly digest: string }
  | { readonly kind: 'OTHER' }
  | { readonly kind: 'FULL' };

export interface RequestAnswer extends RequestName {
  /** Sealed: it can have a secret in it. */
  readonly answer: Uint8Array;
}
