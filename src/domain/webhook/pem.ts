import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto';

/** Certificates that were read from PEM, or what is wrong with them as a sentence without a word of what was given. */
export type CertificatesRead =
  | { readonly certificates: readonly X509Certificate[] }
  | { readonly fault: string };

/** The certificates of a text in PEM (RFC 7468), at least one. What stands around them is no matter, as OpenSSL has it. */
export function readCertificates(text: string, countMax: number): CertificatesRead {
  const blocks = blocksOf(text);
  if ('fault' in blocks) return blocks;
  const { labels, texts } = blocks;
  if (labels.some((label) => label.endsWith('PRIVATE KEY'))) {
    return {
      fault: 'holds a private key too, which answers would show: give certificates here, and nothing else',
    };
  }
  const other = labels.find((label) => label !== 'CERTIFICATE');
  if (other !== undefined) return { fault: `holds a ${other}: give certificates here, and nothing else` };
  if (texts.length === 0) {
    return {
      fault: 'has no certificate: give at least one in PEM, which begins with -----BEGIN CERTIFICATE-----',
    };
  }
  if (texts.length > countMax)
    return { fault: `has ${texts.length} certificates; at most ${countMax} are allowed` };
  const certificates: X509Certificate[] = [];
  for (const block of texts) {
    try {
      certificates.push(new X509Certificate(block));
    } catch {
      const which = texts.length === 1 ? '' : ` (number ${certificates.length + 1} of ${texts.length})`;
      return { fault: `has a certificate that cannot be read${which}: see whether all of it is there` };
    }
  }
  return { certificates };
}

/** A private key that was read from PEM, or what is wrong with it as a sentence without a word of it. */
export type PrivateKeyRead = { readonly key: KeyObject } | { readonly fault: string };

/** The private key of a text in PEM: PKCS #8, PKCS #1 or SEC 1, and not encrypted. */
export function readPrivateKey(text: string): PrivateKeyRead {
  const blocks = blocksOf(text);
  if ('fault' in blocks) return blocks;
  const { labels } = blocks;
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED/m.test(text)) {
    return {
      fault:
        'is encrypted: give it without its passphrase (openssl pkey -in key.pem); it is sealed where it is kept',
    };
  }
  const keys = labels.filter((label) => label.endsWith('PRIVATE KEY')).length;
  if (keys !== 1) {
    return {
      fault:
        keys > 1
          ? `has ${keys} private keys: give the one of the certificate`
          : 'has no private key: give one in PEM, which begins with -----BEGIN PRIVATE KEY-----',
    };
  }
  try {
    return { key: createPrivateKey(text) };
  } catch {
    return { fault: 'cannot be read: see whether all of it is there' };
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const BLOCK = /^-----BEGIN ([A-Z0-9 ]+)-----[ \t]*$[\s\S]*?^-----END \1-----[ \t]*$/gm;
const BOUNDARY = /-----(?:BEGIN|END) /g;

/** What PEM has, whole blocks only: half of one is half of a file. */
function blocksOf(
  text: string,
): { readonly labels: readonly string[]; readonly texts: readonly string[] } | { readonly fault: string } {
  const found = [...text.replaceAll('\r\n', '\n').matchAll(BLOCK)];
  const boundaries = text.match(BOUNDARY)?.length ?? 0;
  if (boundaries !== 2 * found.length) {
    return {
      fault:
        'is cut off or put together wrongly: each -----BEGIN needs a line of its own, and its -----END too',
    };
  }
  return { labels: found.map(([, label]) => label!), texts: found.map(([block]) => block) };
}
