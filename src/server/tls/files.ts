import { constants, createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createSecureContext, type SecureContextOptions } from 'node:tls';
import { DomainError } from '../../domain/error.ts';
import { settingNames } from '../config/settings.ts';

/** The files that TLS needs, as settings name them. */
export interface TlsPaths {
  /** The server's certificate in PEM, and behind it those that signed it. */
  readonly cert: string;
  /** Its private key, in PEM. */
  readonly key: string;
  /** The certificates that those of callers must be signed by, in PEM; without it callers are not asked for any. */
  readonly clientCa?: string | undefined;
}

/** What the files hold, as bytes: to see whether anything has changed. */
export type TlsFiles = Readonly<Record<keyof TlsPaths, Buffer>>;

/** What a server can speak TLS with. */
export interface TlsMaterial {
  /** All that contexts have; a server that is given a new one forgets what the old one said. */
  readonly context: SecureContextOptions;
  /** For whom the certificate is, as it says it: `DNS:api.example.com`. */
  readonly names: string;
  readonly expiresAt: number;
}

/** Rejects with DomainError TLS_UNUSABLE, its message for the operator, where a file cannot be read. */
export async function readTlsFiles(paths: TlsPaths): Promise<TlsFiles> {
  const [cert, key, clientCa] = await Promise.all([
    read('cert', paths.cert),
    read('key', paths.key),
    paths.clientCa === undefined ? NOTHING : read('clientCa', paths.clientCa),
  ]);
  return { cert, key, clientCa };
}

/** Raises TLS_UNUSABLE, its message for the operator, for what does not go together or is no such thing. */
export function materialOf({ cert, key, clientCa }: TlsFiles, paths: TlsPaths): TlsMaterial {
  const certificate = readCertificate(cert, paths.cert);
  if (!certificate.checkPrivateKey(readKey(key, paths.key))) {
    throw unusable(
      `the key in ${paths.key} is not that of the first certificate in ${paths.cert}: give the key that it was made ` +
        'for, and begin the file of certificates with the one of this server, followed by those that signed it',
    );
  }
  if (paths.clientCa !== undefined) readCertificate(clientCa, paths.clientCa);
  const asks = paths.clientCa !== undefined && { ca: clientCa };
  const context: SecureContextOptions = {
    cert,
    key,
    ...asks,
    minVersion: 'TLSv1.2',
    // Who calls is known from the beginning of a connection, and stays so (RFC 9113, section 9.2.1).
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION,
  };
  try {
    createSecureContext(context);
  } catch (error) {
    throw unusable(`${paths.cert} and ${paths.key} cannot be used: ${wordsOf(error)}; make new ones`);
  }
  return { context, names: certificate.subjectAltName ?? '', expiresAt: certificate.validToDate.getTime() };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const NOTHING = Buffer.alloc(0);

const FLAGS: Readonly<Record<keyof TlsPaths, string>> = {
  cert: settingNames('tlsCert').flag,
  key: settingNames('tlsKey').flag,
  clientCa: settingNames('tlsClientCa').flag,
};

async function read(what: keyof TlsPaths, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (error) {
    const why: Record<string, string> = {
      ENOENT: 'there is no such file; give the path of a file in PEM',
      EACCES: 'this user may not read it; let it, with chown or chmod',
      EISDIR: 'it is a folder; give the path of a file in PEM',
    };
    const code = (error as NodeJS.ErrnoException).code ?? '';
    throw unusable(`${FLAGS[what]}: ${path} cannot be read: ${why[code] ?? wordsOf(error)}`);
  }
}

function readCertificate(pem: Buffer, path: string): X509Certificate {
  try {
    // It takes DER too, which the rest does not.
    if (pem.includes('-----BEGIN CERTIFICATE-----')) return new X509Certificate(pem);
  } catch {}
  throw unusable(
    `${path} holds no certificate in PEM, which begins with -----BEGIN CERTIFICATE-----; convert it, ` +
      'with `openssl x509 -inform der` for one in DER, or give another file',
  );
}

function readKey(pem: Buffer, path: string): KeyObject {
  if (/ENCRYPTED/.test(pem.toString('latin1'))) {
    throw unusable(
      `the key in ${path} is locked with a passphrase, which nobody can type at a start: write it without one, ` +
        'with `openssl pkey`, to a file that only this user may read',
    );
  }
  try {
    return createPrivateKey(pem);
  } catch {
    throw unusable(
      `${path} holds no private key in PEM, which begins with -----BEGIN PRIVATE KEY-----; give the one that the ` +
        'certificate was made for',
    );
  }
}

function unusable(message: string): DomainError {
  return new DomainError('TLS_UNUSABLE', message);
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
