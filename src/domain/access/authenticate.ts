import type { Principal } from './principal.ts';

/** What the head of a request says about who sent it. */
export interface Credentials {
  /** The header of that name. */
  readonly authorization: string | undefined;
  /** The address that it came from; undefined where that is not known. */
  readonly address: string | undefined;
}

/** Says who calls. Raises what keeps them out. */
export type Authenticate = (credentials: Credentials) => Principal;
