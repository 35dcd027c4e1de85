import { createHmac } from 'node:crypto';
import type { SealKey } from '../seal.ts';
import { derivedKeys } from '../seal-keys.ts';

/** What everybody may know of a secret value. */
export interface SecretMark {
  /** Its last characters; empty when they would be too much of it. */
  readonly hint: string;
  /** Tells whether it is the same as before. It cannot be made without the server's key. */
  readonly digest: string;
}

/** A webhook, for what is sealed and marked for it and for no other. */
export interface SecretOwner {
  readonly namespace: string;
  readonly id: string;
}

/** Marks a secret value of a webhook; `what` says which of them it is. */
export type MarkOf = (owner: SecretOwner, what: string, value: string) => SecretMark;

const HINT_LENGTH = 4;
/** Four characters of a shorter one are too much of it. */
const HINTED_LENGTH_MIN = 16;
const DIGEST_BYTES = 9;

export function marksWith(sealKey: SealKey): MarkOf {
  const digestKeys = derivedKeys(sealKey, 'carillon secret digest');
  return ({ namespace, id }, what, value) => ({
    hint: value.length < HINTED_LENGTH_MIN ? '' : value.slice(-HINT_LENGTH),
    digest: createHmac('sha256', digestKeys()[0]!)
      .update(JSON.stringify([namespace, id, what, value]))
      .digest()
      .subarray(0, DIGEST_BYTES)
      .toString('base64url'),
  });
}
