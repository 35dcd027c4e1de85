import type { Role } from './role.ts';

/** Who calls, and what it may do. The guard establishes it once for each call. */
export type Principal = Anonymous | KeyHolder | CertificateHolder;

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

/** Somebody who has shown a certificate on the connection, and no key. */
export interface CertificateHolder {
  readonly kind: 'CERTIFICATE';
  /** The name of the certificate that has the role: `uri:spiffe://example.org/shop`. */
  readonly certificate: string;
  /** From when it is not taken any more. */
  readonly expiresAt: number;
  readonly role: Role;
  /** The one namespace that it may name; undefined for all. */
  readonly namespace: string | undefined;
}

/** What a caller has shown, for messages to it. */
export function shownBy({ kind }: Principal): string {
  switch (kind) {
    case 'KEY':
      return 'this key';
    case 'CERTIFICATE':
      return 'this certificate';
    case 'ANONYMOUS':
      return 'a caller without a key';
    default:
      return kind satisfies never;
  }
}

export const ANONYMOUS: Principal = { kind: 'ANONYMOUS', role: 'ADMIN', namespace: undefined };
