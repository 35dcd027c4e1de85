import { createHash } from 'node:crypto';
import { invalid } from '../../domain/error.ts';

/** A part of a hash is enough: a token of another namespace is a mistake, and shows nothing of it. */
const HASH_LENGTH = 8;

/** A place in the changes of a namespace, as a caller keeps it. */
export function writeResumeToken(namespace: string, seq: number): string {
  return hashOf(namespace) + seq.toString(36);
}

/** Raises INVALID for what is no token of this namespace. */
export function readResumeToken(namespace: string, token: string): number {
  const digits = token.slice(HASH_LENGTH);
  const seq = /^[0-9a-z]{1,11}$/.test(digits) ? Number.parseInt(digits, 36) : Number.NaN;
  if (Number.isSafeInteger(seq) && writeResumeToken(namespace, seq) === token) return seq;
  throw invalid(
    'resume_token',
    'is not a token of this namespace; give one as it was received, or leave it out to watch from now on',
    'RESUME_TOKEN_INVALID',
  );
}

function hashOf(namespace: string): string {
  return createHash('sha256')
    .update(`WatchDeliveries ${namespace}`)
    .digest('base64url')
    .slice(0, HASH_LENGTH);
}
