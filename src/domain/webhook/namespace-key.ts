import { createHash, createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import type { Random } from '../random.ts';
import { type Sealed, type SealKey, seal, unseal } from '../seal.ts';

/**
 * The Ed25519 key of a namespace, for the asymmetric signatures of Standard Webhooks 1.0.0 ("Signature scheme"):
 * receivers need its public part only, which anybody may know.
 */
export interface NamespaceKey {
  readonly namespace: string;
  /** The thumbprint of its public part (RFC 7638), so that a receiver can tell keys apart. */
  readonly id: string;
  /** 32 bytes (RFC 8032, 5.1.5). */
  readonly publicKey: Uint8Array;
  /** The private part, sealed. */
  readonly sealed: Uint8Array;
  readonly createdAt: number;
}

/** A public key as JSON (RFC 7517, RFC 8037). */
export interface PublicJwk {
  readonly kty: 'OKP';
  readonly crv: 'Ed25519';
  readonly x: string;
  readonly kid: string;
  readonly use: 'sig';
  readonly alg: 'EdDSA';
}

export interface NewKey {
  readonly namespace: string;
  readonly now: number;
  readonly sealKey: SealKey;
  readonly random: Random;
}

const SEED_BYTES = 32;
/** What stands before the seed in PKCS #8 (RFC 8410, section 10.3). */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
/** What stands before the key in SPKI (RFC 8410, section 4). */
const SPKI_HEAD_BYTES = 12;

export function newNamespaceKey({ namespace, now, sealKey, random }: NewKey): NamespaceKey {
  const seed = random.bytes(SEED_BYTES);
  const spki = createPublicKey(privateKey(seed)).export({ format: 'der', type: 'spki' });
  const publicKey = new Uint8Array(spki.subarray(SPKI_HEAD_BYTES));
  const sealed = seal(sealKey, seed, random, sealedFor(namespace));
  return { namespace, id: thumbprint(publicKey), publicKey, sealed, createdAt: now };
}

/** The private part, ready for signing. Raises what `unseal` raises. */
export function openNamespaceKey(
  sealKey: SealKey,
  { namespace, sealed }: Pick<NamespaceKey, 'namespace' | 'sealed'>,
): KeyObject {
  return privateKey(unseal(sealKey, sealed, sealedFor(namespace)));
}

/** The same key, sealed anew. Raises what `unseal` raises. */
export function resealNamespaceKey(sealKey: SealKey, key: NamespaceKey, random: Random): NamespaceKey {
  const what = sealedFor(key.namespace);
  return { ...key, sealed: seal(sealKey, unseal(sealKey, key.sealed, what), random, what) };
}

export function publicJwk({ id, publicKey }: Pick<NamespaceKey, 'id' | 'publicKey'>): PublicJwk {
  return { kty: 'OKP', crv: 'Ed25519', x: base64Url(publicKey), kid: id, use: 'sig', alg: 'EdDSA' };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function sealedFor(namespace: string): Sealed {
  return { noun: 'signing key', belongsTo: JSON.stringify(['signing key', namespace]) };
}

function privateKey(seed: Uint8Array): KeyObject {
  return createPrivateKey({ key: Buffer.concat([PKCS8_HEAD, seed]), format: 'der', type: 'pkcs8' });
}

/** Of the members that a key of this kind must have, in the order of their names (RFC 7638; RFC 8037, appendix A.3). */
function thumbprint(publicKey: Uint8Array): string {
  const members = `{"crv":"Ed25519","kty":"OKP","x":"${base64Url(publicKey)}"}`;
  return createHash('sha256').update(members).digest('base64url');
}

function base64Url(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('base64url');
}
