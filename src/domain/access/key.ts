import { hash } from 'node:crypto';
import type { Random } from '../random.ts';
import type { Role } from './role.ts';

/**
 * A key by which a caller says who it is. What is kept of it is a hash and its beginning, so that whoever reads the
 * database cannot call. SHA-256 is enough for that: a slow hash, with salt, makes up for passwords that can be guessed,
 * and of 2^256 keys none can, with however many tries a second.
 */
export interface ApiKey {
  readonly id: string;
  /** The beginning of the key, by which people recognise it. */
  readonly prefix: string;
  /** The one namespace that it is for; undefined for all. */
  readonly namespace: string | undefined;
  readonly role: Role;
  readonly note: string;
  /** How many calls a second may be made with it; 0 for any number. */
  readonly callsPerSecond: number;
  readonly createdAt: number;
  /** From when it is not taken any more. */
  readonly expiresAt: number | undefined;
  readonly revokedAt: number | undefined;
  /** To the minute. */
  readonly lastUsedAt: number | undefined;
}

export type ApiKeyState = 'ACTIVE' | 'EXPIRED' | 'REVOKED';

export function stateOfKey({ revokedAt, expiresAt }: ApiKey, now: number): ApiKeyState {
  if (revokedAt !== undefined) return 'REVOKED';
  return expiresAt !== undefined && expiresAt <= now ? 'EXPIRED' : 'ACTIVE';
}

/** Keys that may be taken at a time, in all. A server has all of them in memory. */
export const API_KEYS_MAX = 10_000;

/** How every key begins, so that people, and programs that look for leaked secrets, know one when they see it. */
const KEY_BEGINNING = 'ck_';
const RANDOM_BYTES = 32;
/** Tells keys apart for people, and leaves 208 bits unknown. */
const PREFIX_LENGTH = KEY_BEGINNING.length + 8;

/** A new key, of 256 random bits. */
export function newKey(random: Random): string {
  return KEY_BEGINNING + Buffer.from(random.bytes(RANDOM_BYTES)).toString('base64url');
}

export function prefixOfKey(key: string): string {
  return key.slice(0, PREFIX_LENGTH);
}

/** What is kept of a key: the SHA-256 of all of it, in base64url. */
export function hashOfKey(key: string): string {
  return hash('sha256', key, 'base64url');
}
