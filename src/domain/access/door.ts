import type { Principal } from './principal.ts';

/** What the head of a request says about who sent it. */
export interface Credentials {
  /** The header of that name. */
  readonly authorization: string | undefined;
  /** The address that it came from; undefined where that is not known. */
  readonly address: string | undefined;
}

/** Says who may come in. Every call asks it, by whichever port and protocol, and so does every page that shows data. */
export interface Door {
  /**
   * Says who calls. Raises UNAUTHENTICATED for a key that is missing, or is not taken, and EXHAUSTED to an address that
   * shows too many of those.
   */
  authenticate(credentials: Credentials): Principal;
  /** Counts a message of a call against its key's rate limit. Raises EXHAUSTED beyond that, and what `check` raises. */
  admit(principal: Principal): void;
  /** Raises UNAUTHENTICATED when who began a call could not begin it any more: its key was revoked, or is over. */
  check(principal: Principal): void;
}
