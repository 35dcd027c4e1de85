import type { Principal } from './principal.ts';
import type { Source } from './source.ts';

/** What a request says about who sent it. */
export interface Credentials extends Pick<Source, 'address'>, Partial<Pick<Source, 'certificate'>> {
  /** The header of that name. */
  readonly authorization: string | undefined;
}

/** Says who may come in. Every call asks it, by whichever port and protocol, and so does every page that shows data. */
export interface Door {
  /**
   * Says who calls: the holder of the key in the header; where there is none, of the certificate of the connection.
   * Raises UNAUTHENTICATED for one that is missing, or is not taken, and EXHAUSTED to an address that shows too many of
   * those.
   */
  authenticate(credentials: Credentials): Principal;
  /** Counts a message of a call against the rate limit of its key or certificate. Raises EXHAUSTED beyond that, and what `check` raises. */
  admit(principal: Principal): void;
  /** Raises UNAUTHENTICATED when who began a call could not begin it any more: its key was revoked, or is over, or its certificate has expired. */
  check(principal: Principal): void;
}
