import type { KeyObject } from 'node:crypto';
import { openSecret } from '../domain/secret.ts';
import { signingKey } from '../domain/signature.ts';
import type { Webhook } from '../domain/webhook.ts';

/** A webhook's signing keys, newest first. */
export type KeysOf = (webhook: Webhook) => readonly KeyObject[];

/** Opens the sealed secrets of webhooks. Raises FAILED_PRECONDITION when they were sealed with another key. */
export function keysWith(sealingKey: Uint8Array): KeysOf {
  return (webhook) => webhook.sealedSecrets.map((sealed) => signingKey(openSecret(sealingKey, sealed)));
}
