import type { KeyObject } from 'node:crypto';
import { openSecret } from '../domain/webhook/secret.ts';
import { signingKey } from '../domain/webhook/signature.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';

/** A webhook's signing keys, newest first. */
export type KeysOf = (webhook: Webhook) => readonly KeyObject[];

/** Opens the sealed secrets of webhooks. Raises FAILED_PRECONDITION when they were sealed with another key. */
export function keysWith(sealingKey: Uint8Array): KeysOf {
  return (webhook) => webhook.sealedSecrets.map((sealed) => signingKey(openSecret(sealingKey, sealed)));
}
