import type { ClientCertificate } from '../domain/access/client-certificate.ts';
import { type ClientRole, clientRoleOf } from '../domain/access/client-role.ts';
import type { CertificateHolder } from '../domain/access/principal.ts';
import { type Rate, type Taken, takeOne } from '../domain/access/rate.ts';
import type { Clock } from '../domain/clock.ts';
import { DomainError } from '../domain/error.ts';

/** Callers that show a certificate in place of a key. */
export interface CertificateHolders {
  /** Raises UNAUTHENTICATED for a certificate that is not trusted, has expired, or has no role. */
  authenticate(certificate: ClientCertificate): CertificateHolder;
  /** Raises UNAUTHENTICATED once the certificate has expired. */
  check(holder: CertificateHolder): void;
  /** Raises EXHAUSTED beyond the rate limit of the name that has the role. */
  admit(holder: CertificateHolder): void;
}

interface Entry extends ClientRole {
  paidAt: number;
}

const OR_KEY = 'or send a key: authorization: Bearer ck_…';

export function createCertificateHolders(
  roles: readonly ClientRole[],
  clock: Pick<Clock, 'now' | 'monotonic'>,
): CertificateHolders {
  const entries: readonly Entry[] = roles.map((role) => ({ ...role, paidAt: 0 }));
  /** The same for each call of a connection, which is judged once. */
  const known = new WeakMap<ClientCertificate, CertificateHolder>();

  function judge(certificate: ClientCertificate): CertificateHolder {
    const { fault, names, expiresAt } = certificate;
    if (fault !== undefined) {
      const message = `the certificate of this connection ${fault}; connect with another, ${OR_KEY}`;
      throw new DomainError('CERTIFICATE_INVALID', message);
    }
    const entry = clientRoleOf(certificate, entries);
    if (entry === undefined) {
      const has = names.length === 0 ? 'no name' : names.join(', ');
      const message = `the certificate of this connection has ${has}, to which this server gives no role; ask for one, ${OR_KEY}`;
      throw new DomainError('CERTIFICATE_WITHOUT_ROLE', message);
    }
    const { name, role, namespace } = entry;
    return { kind: 'CERTIFICATE', certificate: name, expiresAt, role, namespace };
  }

  function check({ expiresAt }: CertificateHolder): void {
    if (clock.now() < expiresAt) return;
    const at = new Date(expiresAt).toISOString();
    const message = `the certificate of this connection expired at ${at}; connect with another, ${OR_KEY}`;
    throw new DomainError('CERTIFICATE_INVALID', message);
  }

  return {
    authenticate(certificate) {
      const holder = known.get(certificate) ?? judge(certificate);
      known.set(certificate, holder);
      check(holder);
      return holder;
    },
    check,
    admit({ certificate }) {
      const entry = entries.find(({ name }) => name === certificate)!;
      entry.paidAt = takeCall(entry, `the certificate of ${certificate}`, entry.paidAt, clock);
    },
  };
}

/**
 * Takes one of the calls that may be made a second; any number for 0. Returns what is to be remembered of it. Raises
 * EXHAUSTED beyond that, with what the calls were made with.
 */
export function takeCall(
  { callsPerSecond }: Pick<ClientRole, 'callsPerSecond'>,
  by: string,
  paidAt: number,
  clock: Pick<Clock, 'monotonic'>,
): number {
  if (callsPerSecond === 0) return paidAt;
  const rate: Rate = { perSecond: callsPerSecond, burst: callsPerSecond };
  const taken: Taken = takeOne(rate, paidAt, clock.monotonic());
  if ('paidAt' in taken) return taken.paidAt;
  const message = `${by} allows ${callsPerSecond} calls a second, and more were made; call again later`;
  throw new DomainError('TOO_MANY_CALLS', message, {
    retryMs: taken.waitMs,
    metadata: { callsPerSecond },
  });
}
