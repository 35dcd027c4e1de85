import { createCipheriv, createDecipheriv } from 'node:crypto';
import { DomainError, invalid } from '../error.ts';
import type { Random } from '../random.ts';

/**
 * Signing secrets, as Standard Webhooks 1.0.0 writes them ("Signature scheme"): `whsec_` and the
 * base64 of 24 to 64 bytes. At rest they are sealed with the server's key.
 */
const PREFIX = 'whsec_';
const SECRET_BYTES_MIN = 24;
const SECRET_BYTES_MAX = 64;
const NEW_SECRET_BYTES = 32;

/** The bytes of a secret. INVALID, without the secret in the message, when it is not one. */
export function parseSecret(text: string, field = 'webhook.signing.secret'): Uint8Array {
  const rule = `write whsec_ and the base64 of ${SECRET_BYTES_MIN} to ${SECRET_BYTES_MAX} random bytes`;
  if (!text.startsWith(PREFIX)) throw invalid(field, `must begin with ${PREFIX}: ${rule}`);
  const encoded = text.slice(PREFIX.length);
  const bytes = Buffer.from(encoded, 'base64');
  // Node's decoder skips what it does not know and forgives missing padding; verifiers in other
  // languages do not. Only the text that the bytes encode to is taken.
  if (bytes.toString('base64') !== encoded) {
    throw invalid(field, `is not padded base64 of the standard alphabet after ${PREFIX}: ${rule}`);
  }
  if (bytes.length < SECRET_BYTES_MIN || bytes.length > SECRET_BYTES_MAX) {
    throw invalid(field, `holds ${bytes.length} bytes: ${rule}`);
  }
  return new Uint8Array(bytes);
}

/** The bytes of a new secret. */
export function newSecret(random: Random): Uint8Array {
  return random.bytes(NEW_SECRET_BYTES);
}

/** A secret as it is shown to its owner, once. */
export function formatSecret(secret: Uint8Array): string {
  return PREFIX + Buffer.from(secret).toString('base64');
}

/** How long the key that seals secrets is. */
export const SEALING_KEY_BYTES = 32;

/** Version 1: AES-256-GCM; a version byte, which is authenticated too, nonce, ciphertext, tag. */
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** A secret as it is stored. INVALID when the key is not of `SEALING_KEY_BYTES`. */
export function sealSecret(key: Uint8Array, secret: Uint8Array, random: Random): Uint8Array {
  checkKey(key);
  const version = Uint8Array.of(VERSION);
  // A random nonce is safe for 2^32 seals with one key (NIST SP 800-38D, 8.3): two for each webhook.
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(version);
  const sealed = Buffer.concat([version, nonce, cipher.update(secret), cipher.final(), cipher.getAuthTag()]);
  return new Uint8Array(sealed);
}

/**
 * The secret that was sealed. INVALID when the key is not of `SEALING_KEY_BYTES`,
 * FAILED_PRECONDITION when it is not the key that sealed it or the bytes are damaged.
 */
export function openSecret(key: Uint8Array, sealed: Uint8Array): Uint8Array {
  checkKey(key);
  if (sealed[0] !== VERSION) {
    throw new DomainError(
      'SECRETS_KEY_UNUSABLE',
      `a stored secret has format ${sealed[0] ?? 'none'}, this version of Carillon reads ${VERSION}: start a version at least as new as the one that wrote it`,
    );
  }
  try {
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(sealed.subarray(0, 1));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const secret = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES);
    return new Uint8Array(Buffer.concat([decipher.update(secret), decipher.final()]));
  } catch {
    // GCM cannot tell a wrong key from changed bytes; a wrong key is by far the likelier.
    throw new DomainError(
      'SECRETS_KEY_UNUSABLE',
      'a stored secret cannot be opened: start Carillon with the key that it was sealed with',
    );
  }
}

function checkKey(key: Uint8Array): void {
  if (key.length === SEALING_KEY_BYTES) return;
  throw new DomainError(
    'SETTING_INVALID',
    `the key that seals secrets has ${key.length} bytes: give ${SEALING_KEY_BYTES}`,
  );
}
