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

/** What seals and opens: one key, or several of which the newest seals. */
export type SealKey = Uint8Array | SealKeys;

/** The keys of a server. They change while it runs, so nobody may hold on to one of them. */
export interface SealKeys {
  /** Newest first, which seals; each opens what it sealed. */
  readonly all: readonly Uint8Array[];
}

/** What is sealed: its noun for messages, and what it belongs to, without which it cannot be opened. */
export interface Sealed {
  readonly noun: string;
  readonly belongsTo?: string;
}

/** Bytes as they are stored. INVALID when the key is not of `SEALING_KEY_BYTES`. */
export function seal(sealKey: SealKey, bytes: Uint8Array, random: Random, what: Sealed): Uint8Array {
  const key = newestKey(sealKey);
  checkKey(key);
  const head = Buffer.concat([Uint8Array.of(VERSION), idBytes(key)]);
  // A random nonce is safe for 2^32 seals with one key (NIST SP 800-38D, 8.3): a few for each webhook, and one
  // for each call that is remembered.
  const nonce = random.bytes(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
  cipher.setAAD(associated(head, what));
  const sealed = Buffer.concat([head, nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
  return new Uint8Array(sealed);
}

/**
 * The bytes that were sealed. INVALID when a key is not of `SEALING_KEY_BYTES`, FAILED_PRECONDITION when none of them
 * is the key that sealed them, they belong to something else, or they are damaged.
 */
export function unseal(sealKey: SealKey, sealed: Uint8Array, what: Sealed): Uint8Array {
  const keys = keysOf(sealKey);
  keys.forEach(checkKey);
  const head = headOf(sealed, what);
  const id = head.subarray(1);
  const fitting = id.length === 0 ? keys : keys.filter((key) => Buffer.compare(id, idBytes(key)) === 0);
  if (fitting.length === 0) {
    const given = keys.map(sealKeyId);
    const those = given.length === 1 ? `this one is ${given[0]}` : `these are ${given.join(', ')}`;
    throw unusable(what, `with the key ${hex(id)}, and ${those}`);
  }
  for (const key of fitting) {
    const bytes = opened(key, head, sealed.subarray(head.length), what);
    if (bytes !== undefined) return bytes;
  }
  // GCM cannot tell a wrong key from changed bytes.
  throw unusable(what, 'with another key, for something else, or it is damaged');
}

/** The key that seals. */
export function newestKey(sealKey: SealKey): Uint8Array {
  return keysOf(sealKey)[0]!;
}

/** Tells keys apart, and says nothing about them: they are random. */
export function sealKeyId(key: Uint8Array): string {
  return hex(idBytes(key));
}

/** The id of the key that sealed it; undefined where a version wrote it that did not say. */
export function sealedWith(sealed: Uint8Array): string | undefined {
  return sealed[0] === VERSION ? hex(sealed.subarray(1, 1 + KEY_ID_BYTES)) : undefined;
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

function keysOf(sealKey: SealKey): readonly Uint8Array[] {
  return sealKey instanceof Uint8Array ? [sealKey] : sealKey.all;
}

function idBytes(key: Uint8Array): Uint8Array {
  return createHash('sha256').update('carillon key id').update(key).digest().subarray(0, KEY_ID_BYTES);
}

/** Undefined when this key did not seal it. */
function opened(key: Uint8Array, head: Uint8Array, body: Uint8Array, what: Sealed): Uint8Array | undefined {
  try {
    const nonce = body.subarray(0, NONCE_BYTES);
    const decipher = createDecipheriv('aes-256-gcm', key, nonce, { authTagLength: TAG_BYTES });
    decipher.setAAD(associated(head, what));
    decipher.setAuthTag(body.subarray(-TAG_BYTES));
    const bytes = body.subarray(NONCE_BYTES, -TAG_BYTES);
    return new Uint8Array(Buffer.concat([decipher.update(bytes), decipher.final()]));
  } catch {
    return undefined;
  }
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
