import { createCipheriv, createDecipheriv, createHash } from 'node:crypto';
import { DomainError } from './error.ts';
import type { Random } from './random.ts';

/** How long the key that seals is. */
export const SEALING_KEY_BYTES = 32;

/**
 * Version 2: AES-256-GCM; the version, which key it is, nonce, ciphertext, tag. The first two are authenticated too.
 * Version 1 did not say which key it is.
 */
const VERSION = 2;
const WITHOUT_KEY_ID = 1;
const KEY_ID_BYTES = 8;
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
  const head = Buffer.concat([Uint8Array.of(VERSION), keyId(key)]);
  // A random nonce is safe for 2^32 seals with one key (NIST SP 800-38D, 8.3): a few for each webhook, and one
  // for each call that is remembered.
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated(head, what));
  const sealed = Buffer.concat([head, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  return new Uint8Array(sealed);
}

/**
 * The bytes that were sealed. INVALID when the key is not of `SEALING_KEY_BYTES`, FAILED_PRECONDITION when it
 * is not the key that sealed them, they belong to something else, or they are damaged.
 */
export function unseal(key: Uint8Array, sealed: Uint8Array, what: Sealed): Uint8Array {
  checkKey(key);
  const head = headOf(sealed, what);
  const sealedWith = head.subarray(1);
  if (sealedWith.length > 0 && Buffer.compare(sealedWith, keyId(key)) !== 0) {
    throw unusable(what, `with the key ${hex(sealedWith)}, and this one is ${hex(keyId(key))}`);
  }
  const body = sealed.subarray(head.length);
  try {
    const nonce = body.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associated(head, what));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    const bytes = body.subarray(NONCE_BYTES, -TAG_BYTES);
    return new Uint8Array(Buffer.concat([decipher.update(bytes), decipher.final()]));
  } catch {
    // GCM cannot tell a wrong key from changed bytes.
    throw unusable(what, 'with another key, for something else, or it is damaged');
  }
}

/** Whether it was sealed by a version that did not bind secrets to their webhooks. */
export function isOfVersion1(sealed: Uint8Array): boolean {
  return sealed[0] === WITHOUT_KEY_ID;
}

/** The version, and the id of the key if that is written. */
function headOf(sealed: Uint8Array, { noun }: Sealed): Uint8Array {
  switch (sealed[0]) {
    case WITHOUT_KEY_ID:
      return sealed.subarray(0, 1);
    case VERSION:
      return sealed.subarray(0, 1 + KEY_ID_BYTES);
    default:
      throw new DomainError(
        'SECRETS_KEY_UNUSABLE',
        `a stored ${noun} has format ${sealed[0] ?? 'none'}, this version of Carillon reads ${WITHOUT_KEY_ID} and ${VERSION}: start a version at least as new as the one that wrote it`,
      );
  }
}

/** Tells keys apart, and says nothing about them: they are random. */
function keyId(key: Uint8Array): Uint8Array {
  return createHash('sha256').update('carillon key id').update(key).digest().subarray(0, KEY_ID_BYTES);
}

function unusable({ noun }: Sealed, how: string): DomainError {
  return new DomainError(
    'SECRETS_KEY_UNUSABLE',
    `a stored ${noun} cannot be opened: it was sealed ${how}; start Carillon with the key that it was sealed with`,
  );
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex');
}

function associated(head: Uint8Array, { belongsTo = '' }: Sealed): Uint8Array {
  return Buffer.concat([head, Buffer.from(belongsTo)]);
}

function checkKey(key: Uint8Array): void {
  if (key.length === SEALING_KEY_BYTES) return;
  throw new DomainError(
    'SETTING_INVALID',
    `the key that seals secrets has ${key.length} bytes: give ${SEALING_KEY_BYTES}`,
  );
}
