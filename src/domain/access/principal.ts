import type { Role } from './role.ts';

/** Who calls, and what it may do. The guard establishes it once for each call. */
export type Principal = Anonymous | KeyHolder;

/** Somebody without a key, where none is asked for: whoever reaches the server may do everything. */
export interface Anonymous {
  readonly kind: 'ANONYMOUS';
  readonly role: Role;
  /** The one namespace that it may name; undefined for all. */
  readonly namespace: undefined;
}

/** Somebody who has shown a key. */
export interface KeyHolder {
  readonly kind: 'KEY';
  /** The id of the key, which is no secret. */
  readonly keyId: string;
  readonly role: Role;
  /** The one namespace that it may name; undefined for all. */
  readonly namespace: string | undefined;
}

export const ANONYMOUS: Principal = { kind: 'ANONYMOUS', role: 'ADMIN', namespace: undefined };
