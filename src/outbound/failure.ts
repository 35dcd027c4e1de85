import type { ErrorClass } from '../domain/delivery/attempt.ts';
import { errors } from './undici.ts';

/** Why a POST got no complete answer. Its message is for the webhook's owner: it ends up in the log of attempts. */
export class SendFailure extends Error {
  readonly errorClass: ErrorClass;

  constructor(errorClass: ErrorClass, message: string) {
    super(message);
    this.name = 'SendFailure';
    this.errorClass = errorClass;
  }
}

/**
 * Translates what undici, Node or OpenSSL raised on a connection. What went wrong while it was being opened
 * is a `SendFailure` already. `peer` is the host and port as a person would write them.
 */
export function sendFailure(error: unknown, peer: string): SendFailure {
  if (error instanceof SendFailure) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return new SendFailure('RESET', 'Carillon stopped before the answer came');
  }
  if (REQUEST_CODES.has(code)) {
    return new SendFailure('REQUEST', `the request cannot be sent: ${message}`);
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new SendFailure('PROTOCOL', `the headers of the answer from ${peer} are too big to read`);
  }
  if (error instanceof errors.HTTPParserError) {
    const reason = /\((.*)\)$/.exec(message)?.[1] ?? code;
    return new SendFailure('PROTOCOL', `the answer from ${peer} is not HTTP/1.1 (${reason})`);
  }
  if (code === 'UND_ERR_SOCKET' || code === 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH') {
    return new SendFailure('RESET', `connection closed by ${peer} before the answer was complete`);
  }
  if (code === 'ECONNRESET' || code === 'EPIPE') {
    return new SendFailure('RESET', `connection reset by ${peer} before the answer was complete`);
  }
  if (/^(ERR_SSL_|ERR_TLS_|EPROTO$)/.test(code)) return tlsFailure(error, peer);
  return new SendFailure('RESET', `connection to ${peer} lost (${code || message})`);
}

/** Translates the error of a socket that could not be connected. */
export function connectFailure(error: unknown, peer: string): SendFailure {
  const code = codeOf(error);
  const said = CONNECT_WORDS[code];
  const errorClass = code === 'ETIMEDOUT' ? 'TIMEOUT' : 'CONNECT';
  return new SendFailure(
    errorClass,
    said === undefined ? `cannot connect to ${peer} (${code})` : `${said} ${peer}`,
  );
}

/** Translates the error of a TLS handshake. Even a reset is TLS if it comes in the middle of one. */
export function tlsFailure(error: unknown, peer: string): SendFailure {
  const code = codeOf(error);
  const said = TLS_WORDS[code] ?? 'TLS failed';
  return new SendFailure('TLS', `${said}: ${peer} (${code})`);
}

/** Translates the error of a name lookup. */
export function lookupFailure(error: unknown, hostname: string): SendFailure {
  const code = codeOf(error);
  const said = code === 'ENOTFOUND' ? 'there is no address for' : 'the resolver failed on';
  return new SendFailure('DNS', `${said} ${hostname} (${code})`);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const REQUEST_CODES: ReadonlySet<string> = new Set([
  'UND_ERR_INVALID_ARG',
  'UND_ERR_NOT_SUPPORTED',
  'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH',
]);

const CONNECT_WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused by',
  ECONNRESET: 'connection reset at once by',
  EHOSTUNREACH: 'no route to',
  ENETUNREACH: 'no route to',
  ETIMEDOUT: 'connecting took too long for the operating system:',
  EMFILE: 'too many open files on this machine (raise its limit) to connect to',
};

const TLS_WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is signed by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate comes without those that vouch for it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
  ECONNRESET: 'the connection was closed during the TLS handshake',
};

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
