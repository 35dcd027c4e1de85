import type { Problems } from '../domain/problems.ts';
import {
  compatibilitySecretFault,
  openCompatibilitySecret,
  sealCompatibilitySecret,
} from '../domain/webhook/compatibility.ts';
import type { Webhook, WebhookSpec } from '../domain/webhook/webhook.ts';
import type { ControlDeps } from './deps.ts';

const FIELD = 'compatibility_signature.secret';

/** What a webhook has of such a secret: none where nothing is signed so. */
export type HeldSecret = Pick<Webhook, 'compatibilitySecret'>;

/**
 * The secret of a compatibility signature, sealed, that a webhook has once `spec` applies: the one that is given, or
 * else the one that it has. One that is given again stays as it is. Raises INVALID when there is none, or it is not what
 * the spec says.
 */
export function heldSecret(
  { sealKey, random }: Pick<ControlDeps, 'sealKey' | 'random'>,
  webhook: Pick<Webhook, 'namespace' | 'id' | 'compatibilitySecret'>,
  spec: WebhookSpec,
  given: string | undefined,
  problems: Problems,
): HeldSecret {
  const { compatibility } = spec;
  if (compatibility === undefined) return {};
  const { compatibilitySecret: sealed } = webhook;
  const known = sealed && openCompatibilitySecret(sealKey, sealed, webhook);
  const secret = given ?? known;
  if (secret === undefined) problems.add(FIELD, 'is required: the webhook has none yet');
  else {
    const fault = compatibilitySecretFault(secret, compatibility);
    if (fault !== undefined) problems.add(FIELD, fault);
  }
  problems.raise();
  if (secret === undefined || (sealed !== undefined && secret === known)) {
    return sealed === undefined ? {} : { compatibilitySecret: sealed };
  }
  return { compatibilitySecret: sealCompatibilitySecret(sealKey, secret, webhook, random) };
}

/** The webhook with that secret, and with no other. */
export function withHeldSecret({ compatibilitySecret: _, ...webhook }: Webhook, held: HeldSecret): Webhook {
  return { ...webhook, ...held };
}
