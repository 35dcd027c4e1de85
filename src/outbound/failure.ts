import { closeSync, openSync } from 'node:fs';
import { devNull } from 'node:os';
import type { ErrorClass } from '../domain/delivery/attempt.ts';
import { errors } from './undici.ts';

/** A proxy that a connection waits for. */
export interface Via {
  /** The proxy as a person would write it. */
  readonly proxy: string;
  /** Whether the proxy has been connected to, and it is its turn. */
  isReached: boolean;
}

/** What a request is told that was broken off, or not sent. */
export const OUT_OF_TOUCH = 'Carillon had not reached its database for too long to go on sending';

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
 * is a `SendFailure` already. `peer` is the host and port as a person would write them; `hasHead` says that the head of
 * the answer had come.
 */
export function sendFailure(error: unknown, peer: string, hasHead = false): SendFailure {
  if (error instanceof SendFailure) return error;
  const code = codeOf(error);
  const message = error instanceof Error ? error.message : String(error);
  if (code === 'UND_ERR_DESTROYED' || code === 'UND_ERR_CLOSED') {
    return new SendFailure('LOCAL', 'Carillon stopped before the answer came');
  }
  const own = ownTrouble(code, `talk to ${peer}`);
  if (own !== undefined) return own;
  if (REQUEST_CODES.has(code)) {
    return new SendFailure('REQUEST', `the request cannot be sent: ${message}`);
  }
  if (code === 'UND_ERR_HEADERS_OVERFLOW') {
    return new SendFailure(
      'PROTOCOL',
      `the ${hasHead ? 'trailers' : 'headers'} of the answer from ${peer} are too big to read`,
    );
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

/** What did not happen in time because nothing was done here meanwhile. */
export function heldUp(message: string, heldUpMs: number): SendFailure {
  const seconds = (heldUpMs / 1000).toFixed(1);
  return new SendFailure(
    'LOCAL',
    `${message}; Carillon was suspended, or overloaded, for ${seconds} s of that`,
  );
}

/** How far the opening of a connection has come. */
export interface Stage {
  readonly via: Via | undefined;
  /** What it waits for. */
  readonly part: string | undefined;
}

/**
 * A connection that is not there in time. A proxy that cannot be reached is trouble of our own; one that connects
 * to nothing says as much of the destination.
 */
export function noConnection(peer: string, within: string, heldUpMs: number, stage?: Stage): SendFailure {
  const via = stage?.via;
  const message =
    via === undefined
      ? stage?.part === 'tlsMs'
        ? `connected to ${peer}, but its TLS handshake did not end ${within}`
        : `no connection to ${peer} ${within}`
      : via.isReached
        ? `${via.proxy} did not connect to ${peer} ${within}`
        : `no connection to ${via.proxy} ${within}`;
  if (heldUpMs > 0) return heldUp(message, heldUpMs);
  return new SendFailure(via?.isReached === false ? 'PROXY' : 'TIMEOUT', message);
}

/** What failed while the machine slept, which connections do not survive. */
export function asleep(failure: SendFailure, asleepMs: number): SendFailure {
  if (!LOST_ASLEEP.has(failure.errorClass)) return failure;
  const seconds = (asleepMs / 1000).toFixed(1);
  return new SendFailure(
    'LOCAL',
    `${failure.message}; meanwhile this machine slept for ${seconds} s, or its clock was set`,
  );
}

/** Translates the error of a socket that could not be connected. */
export function connectFailure(error: unknown, peer: string): SendFailure {
  const code = codeOf(error);
  // A machine without IPv6 has no address to call one from, and never will.
  const own = isOfIpv6(error) ? undefined : ownTrouble(code, `connect to ${peer}`);
  if (own !== undefined) return own;
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
  const own = ownTrouble(code, `talk to ${peer}`);
  if (own !== undefined) return own;
  const said = TLS_WORDS[code] ?? alertWords(code) ?? 'TLS failed';
  return new SendFailure('TLS', `${said}: ${peer} (${code})`);
}

/** The failure that this code stands for if it is of this machine, and says nothing about the other one. */
function ownTrouble(code: string, aim: string): SendFailure | undefined {
  const said = OWN_TROUBLE[code];
  return said === undefined ? undefined : new SendFailure('LOCAL', `${said} to ${aim} (${code})`);
}

/** Translates the error of a name lookup. */
export function lookupFailure(error: unknown, hostname: string): SendFailure {
  const code = codeOf(error);
  // The resolver says that there is no such name when it cannot open its own files.
  const own =
    ownTrouble(code, `look up ${hostname}`) ?? ownTrouble(spentDescriptors(), `look up ${hostname}`);
  if (own !== undefined) return own;
  const said = code === 'ENOTFOUND' ? 'there is no address for' : 'the resolver failed on';
  return new SendFailure('DNS', `${said} ${hostname} (${code})`);
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const LOST_ASLEEP: ReadonlySet<ErrorClass> = new Set(['TIMEOUT', 'CONNECT', 'DNS', 'TLS', 'RESET']);

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
  EADDRNOTAVAIL: 'this machine has no address from which to connect to',
  ETIMEDOUT: 'connecting took too long for the operating system:',
};

/** What this machine has run out of, by the code that says so. */
const OWN_TROUBLE: Readonly<Record<string, string>> = {
  EMFILE: 'Carillon has too many open files (raise its limit)',
  ENFILE: 'this machine has too many open files',
  ENOBUFS: 'this machine has no memory for sockets left',
  ENOMEM: 'this machine has no memory left',
  EADDRNOTAVAIL: 'this machine has no port left',
};

const TLS_WORDS: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'the certificate has expired',
  CERT_NOT_YET_VALID: 'the certificate is not valid yet',
  DEPTH_ZERO_SELF_SIGNED_CERT: 'the certificate is self-signed',
  SELF_SIGNED_CERT_IN_CHAIN: 'the certificate is signed by an authority that is not trusted',
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: 'the certificate is signed by an authority that is not trusted',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: 'the certificate comes without those that vouch for it',
  ERR_TLS_CERT_ALTNAME_INVALID: 'the certificate is for another host',
  ERR_SSL_WRONG_VERSION_NUMBER: 'the other side does not speak TLS',
  ERR_SSL_PACKET_LENGTH_TOO_LONG: 'the other side does not speak TLS',
  ECONNRESET: 'the connection was closed during the TLS handshake',
};

/** What the other side said to the client certificate, or to there being none (RFC 8446, 6.2). */
function alertWords(code: string): string | undefined {
  const [, alert] = /_ALERT_([A-Z_]+)$/.exec(code) ?? [];
  switch (alert) {
    case 'CERTIFICATE_REQUIRED':
      return 'the destination requires a client certificate, and the webhook has none';
    case 'UNKNOWN_CA':
      return 'the destination does not know the authority that signed the client certificate';
    case 'CERTIFICATE_EXPIRED':
      return 'the destination says that the client certificate has expired';
    case 'BAD_CERTIFICATE':
    case 'CERTIFICATE_REVOKED':
    case 'CERTIFICATE_UNKNOWN':
    case 'UNSUPPORTED_CERTIFICATE':
    case 'ACCESS_DENIED':
      return 'the destination refuses the client certificate';
    case 'HANDSHAKE_FAILURE':
      return 'the destination ended the TLS handshake: it supports no version or cipher of ours, or requires a client certificate';
    default:
      return undefined;
  }
}

/** Whether the address that was to be connected to is one of IPv6, and none of our own fits it. */
function isOfIpv6(error: unknown): boolean {
  const { address } = error as { address?: unknown };
  return codeOf(error) === 'EADDRNOTAVAIL' && typeof address === 'string' && address.includes(':');
}

/** EMFILE or ENFILE when no file can be opened at this moment; empty when one can. */
function spentDescriptors(): string {
  try {
    closeSync(openSync(devNull, 'r'));
    return '';
  } catch (error) {
    return codeOf(error);
  }
}

function codeOf(error: unknown): string {
  const code = (error as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}
