import { createCipheriv, createDecipheriv } from 'node:crypto';
import { DomainError } from './error.ts';
import type { Random } from './random.ts';

/** How long the key that seals is. */
export const SEALING_KEY_BYTES = 32;

/** Version 1: AES-256-GCM; a version byte, which is authenticated too, nonce, ciphertext, tag. */
const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** What is sealed: its noun for messages, and what it belongs to, without which it cannot be opened. */
export interface Sealed {
  readonly noun: string;
  readonly belongsTo?: string;
}

/** Bytes as they are stored. INVALID when the key is not of `SEALING_KEY_BYTES`. */
export function seal(key: Uint8Array, bytes: Uint8Array, random: Random, what: Sealed): Uint8Array {
  checkKey(key);
  const version = Uint8Array.of(VERSION);
  // A random nonce is safe for 2^32 seals with one key (NIST SP 800-38D, 8.3): two for each webhook, and one
  // for each call that is remembered.
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated(version, what));
  const sealed = Buffer.concat([version, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  return new Uint8Array(sealed);
}

/**
 * The bytes that were sealed. INVALID when the key is not of `SEALING_KEY_BYTES`, FAILED_PRECONDITION when it
 * is not the key that sealed them, they belong to something else, or they are damaged.
 */
export function unseal(key: Uint8Array, sealed: Uint8Array, what: Sealed): Uint8Array {
  checkKey(key);
  if (sealed[0] !== VERSION) {
    throw new DomainError(
      'FAILED_PRECONDITION',
      `a stored ${what.noun} has format ${sealed[0] ?? 'none'}, this version of Carillon reads ${VERSION}: start a version at least as new as the one that wrote it`,
    );
  }
  try {
    const nonce = sealed.subarray(1, 1 + NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associated(sealed.subarray(0, 1), what));
    decipher.setAuthTag(sealed.subarray(-TAG_BYTES));
    const bytes = sealed.subarray(1 + NONCE_BYTES, -TAG_BYTES);
    return new Uint8Array(Buffer.concat([decipher.update(bytes), decipher.final()]));
  } catch {
    // GCM cannot tell a wrong key from changed bytes; a wrong key is by far the likelier.
    throw new DomainError(
      'FAILED_PRECONDITION',
      `a stored ${what.noun} cannot be opened: start Carillon with the key that it was sealed with`,
    );
  }
}

function associated(version: Uint8Array, { belongsTo = '' }: Sealed): Uint8Array {
  return Buffer.concat([version, Buffer.from(belongsTo)]);
}

function checkKey(key: Uint8Array): void {
  if (key.length === SEALING_KEY_BYTES) return;
  throw new DomainError(
    'INVALID',
    `the key that seals secrets has ${key.length} bytes: give ${SEALING_KEY_BYTES}`,
  );
}
