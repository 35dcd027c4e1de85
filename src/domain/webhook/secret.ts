import { invalid } from '../error.ts';
import type { Random } from '../random.ts';
import { isOfVersion1, type Sealed, type SealKey, seal, unseal } from '../seal.ts';
import type { SecretOwner } from './secret-mark.ts';

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

/** A secret as it is stored. INVALID when the key is not of `SEALING_KEY_BYTES`. */
export function sealSecret(key: SealKey, secret: Uint8Array, owner: SecretOwner, random: Random): Uint8Array {
  return seal(key, secret, random, secretOf(owner));
}

/** The secret that was sealed. Raises what `unseal` raises. */
export function openSecret(key: SealKey, sealed: Uint8Array, owner: SecretOwner): Uint8Array {
  return unseal(key, sealed, isOfVersion1(sealed) ? { noun: 'secret' } : secretOf(owner));
}

function secretOf({ namespace, id }: SecretOwner): Sealed {
  return { noun: 'secret', belongsTo: JSON.stringify(['secret', namespace, id]) };
}
