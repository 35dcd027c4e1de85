import type { X509Certificate } from 'node:crypto';
import { createSecureContext } from 'node:tls';
import type { FieldViolation } from '../error.ts';
import { clip } from '../text.ts';
import { readCertificates, readPrivateKey } from './pem.ts';
import type { SecretMark } from './secret-mark.ts';

/** How TLS is spoken with a destination, as a caller asks for it. */
export interface AskedTls {
  /** What is shown where the destination asks for a certificate, in PEM; those that vouch for it follow. */
  readonly clientCertificate?: string;
  /** What is known of its key. */
  readonly privateKey?: SecretMark;
  /** What the certificate says. */
  readonly identity?: ClientIdentity;
  /** Certificates that are trusted in place of the usual ones, in PEM. */
  readonly caBundle?: string;
  /** The destination may show any certificate, or one of somebody else. */
  readonly unverified?: true;
}

/** What a client certificate says of whom it is shown for. */
export interface ClientIdentity {
  readonly subject: string;
  readonly issuer: string;
  /** SHA-256 of the certificate, in lower-case hexadecimal. */
  readonly fingerprint: string;
  readonly startsAt: number;
  readonly expiresAt: number;
}

/** A chain is seldom longer than four. */
const CHAIN_COUNT_MAX = 8;
const CA_COUNT_MAX = 32;
const NAME_LENGTH_MAX = 256;

/** What is asked for in the clear, and the key if there is one. */
export interface TlsParts extends AskedTls {
  readonly key: string | undefined;
  readonly destination: string;
}

/**
 * What is wrong with it, by fields of the webhook. `isNew` says that the certificate was not the webhook's before: one that
 * has expired since keeps nobody from changing something else.
 */
export function tlsFaults(tls: TlsParts, { now, isNew }: { now: number; isNew: boolean }): FieldViolation[] {
  const { clientCertificate, key, caBundle, destination } = tls;
  const faults: FieldViolation[] = [];
  if (URL.parse(destination)?.protocol === 'http:') {
    const description =
      'is given, and the destination is http, which has no TLS: give an https destination, or leave it out';
    faults.push({ field: 'tls', description });
  }
  if (caBundle !== undefined) {
    const read = readCertificates(caBundle, CA_COUNT_MAX);
    if ('fault' in read) faults.push({ field: 'tls.ca_bundle', description: read.fault });
    if (tls.unverified) {
      const description =
        'is given, and with ca_bundle there is something to verify against: give one of them';
      faults.push({ field: 'tls.insecure_skip_verify', description });
    }
  }
  if (clientCertificate !== undefined)
    faults.push(...certificateFaults(clientCertificate, key, isNew ? now : 0));
  else if (key !== undefined) {
    faults.push({
      field: 'tls.client_certificate',
      description: 'is not given, and its private key is: give both',
    });
  }
  return faults;
}

/** What the first certificate of a chain says; undefined for one that cannot be read. */
export function clientIdentity(clientCertificate: string): ClientIdentity | undefined {
  const read = readCertificates(clientCertificate, CHAIN_COUNT_MAX);
  if ('fault' in read) return undefined;
  const [leaf] = read.certificates as readonly [X509Certificate, ...X509Certificate[]];
  return {
    subject: nameOf(leaf.subject),
    issuer: nameOf(leaf.issuer),
    fingerprint: leaf.fingerprint256.replaceAll(':', '').toLowerCase(),
    startsAt: leaf.validFromDate.getTime(),
    expiresAt: leaf.validToDate.getTime(),
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function certificateFaults(pem: string, key: string | undefined, now: number): FieldViolation[] {
  const read = readCertificates(pem, CHAIN_COUNT_MAX);
  if ('fault' in read) return [{ field: 'tls.client_certificate', description: read.fault }];
  const [leaf, ...chain] = read.certificates as readonly [X509Certificate, ...X509Certificate[]];
  const faults: FieldViolation[] = [];
  const expiresAt = leaf.validToDate.getTime();
  if (expiresAt <= now) {
    const description = `expired at ${new Date(expiresAt).toISOString()}: give one that is still valid`;
    faults.push({ field: 'tls.client_certificate', description });
  }
  if (key === undefined) return faults;
  const opened = readPrivateKey(key);
  if ('fault' in opened) return [...faults, { field: 'tls.private_key.value', description: opened.fault }];
  if (!leaf.checkPrivateKey(opened.key)) {
    const isOfOther = chain.some((each) => each.checkPrivateKey(opened.key));
    const description = isOfOther
      ? 'has the certificate of the private key, and not first: put that one before those that vouch for it'
      : 'does not belong to the private key: give the two that were made together';
    return [...faults, { field: 'tls.client_certificate', description }];
  }
  const unusable = unusableFault(pem, key);
  return unusable === undefined
    ? faults
    : [...faults, { field: 'tls.client_certificate', description: unusable }];
}

/** What OpenSSL says of the two, such as of keys that are too short to be worth anything. */
function unusableFault(cert: string, key: string): string | undefined {
  try {
    createSecureContext({ cert, key });
    return undefined;
  } catch (error) {
    const words = /::([^:]+)$/.exec(String((error as Error).message))?.[1] ?? 'it does not say why';
    return `cannot be used for TLS: ${words}`;
  }
}

/** Node has a line for each part of a name. */
function nameOf(lines: string | undefined): string {
  return clip((lines ?? '').replaceAll('\n', ', '), NAME_LENGTH_MAX);
}
