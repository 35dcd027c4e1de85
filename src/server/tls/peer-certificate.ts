import type { TLSSocket } from 'node:tls';
import { type ClientCertificate, namesOf } from '../../domain/access/client-certificate.ts';
import type { Refusal } from './refusal.ts';

/** The certificate that the other end has shown; undefined if none. */
export function certificateOf(socket: TLSSocket): ClientCertificate | undefined {
  const certificate = socket.getPeerX509Certificate();
  if (certificate === undefined) return undefined;
  return {
    names: namesOf(certificate.subjectAltName),
    expiresAt: certificate.validToDate.getTime(),
    fault: socket.authorized ? undefined : faultOf(socket.authorizationError as Error | string | undefined),
  };
}

/** Why a connection is not served where each needs a certificate; undefined where it is. */
export function refusalOf(certificate: ClientCertificate | undefined): Refusal | undefined {
  if (certificate !== undefined && certificate.fault === undefined) return undefined;
  const what =
    certificate === undefined
      ? 'this connection has none'
      : `the certificate of this connection ${certificate.fault}`;
  const message = `this server takes only callers with a certificate that its authority has signed, and ${what}`;
  return { status: 401, code: 'unauthenticated', message };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** By OpenSSL's names. Everything else is about who has signed it. */
const FAULTS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'has expired',
  CERT_NOT_YET_VALID: 'is not valid yet',
  INVALID_PURPOSE: 'is not for clients',
};

function faultOf(error: Error | string | undefined): string {
  const name = typeof error === 'string' ? error : (error?.message ?? '');
  return FAULTS[name] ?? 'was not signed by an authority that this server trusts';
}
