import { DomainError } from '../domain/error.ts';
import { type Address, authorityOf, isLoopback } from './listen/bind.ts';

/** What decides whether a server may be reached from other machines. */
export interface Exposure {
  readonly addresses: readonly Address[];
  readonly db: string;
  /** Whether calls need a key. */
  readonly locked: boolean;
  readonly noKeys: boolean;
  /** Whether proxies are trusted, which are there so that others can reach it. */
  readonly proxied: boolean;
  /** Whether both ports speak TLS. */
  readonly tls: boolean;
  readonly plaintext: boolean;
}

/**
 * Refuses to listen where others can reach it, themselves or through a proxy, unless calls need a key and nobody on the way can read them, or it was
 * said plainly that this is meant. Raises FAILED_PRECONDITION that names all that is missing.
 */
export function checkExposure({ addresses, db, locked, noKeys, proxied, tls, plaintext }: Exposure): void {
  const open = addresses.filter((address) => !isLoopback(address));
  if (open.length === 0 && !proxied) return;
  const missing = [
    ...(locked || noKeys
      ? []
      : [
          `there is no key yet, so that whoever reaches it could do everything: make one with \`carillon keys create --db ${db}\`, set CARILLON_BOOTSTRAP_KEY, or start it with --no-keys if that is meant`,
        ]),
    ...(tls || plaintext || open.length === 0
      ? []
      : [
          'it has no TLS, so that others on the way could read keys and payloads: give it a certificate with --tls-cert and --tls-key, listen on 127.0.0.1 behind a proxy that has one, or start it with --plaintext if TLS ends in front of it',
        ]),
  ];
  if (missing.length === 0) return;
  const where =
    open.length === 0
      ? 'behind the proxies of --trusted-proxies, through which others can reach it'
      : `on ${open.map(authorityOf).join(' and ')}, which others can reach`;
  throw new DomainError('EXPOSED', `not listening ${where}: ${missing.join('; and ')}`);
}
