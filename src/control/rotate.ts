import { isDeepStrictEqual } from 'node:util';
import { type Claim, claimedId } from '../domain/claim.ts';
import { DomainError, failedPrecondition, invalid } from '../domain/error.ts';
import { isOwnForm, newId } from '../domain/id.ts';
import type { Random } from '../domain/random.ts';
import type { SealKey } from '../domain/seal.ts';
import {
  liveSecrets,
  OLD_SECRETS_MAX,
  OVERLAP_DEFAULT_MS,
  rotated,
  type SigningSecret,
  withdrawn,
} from '../domain/webhook/rotation.ts';
import { newSecret, openSecret, sealSecret } from '../domain/webhook/secret.ts';
import type { SecretOwner } from '../domain/webhook/secret-mark.ts';
import { type Webhook, webhookIdOf } from '../domain/webhook/webhook.ts';
import { type ChangeDeps, changeWebhook, getWebhook, type Target } from './change.ts';
import type { Needs } from './deps.ts';

export type RotateDeps = ChangeDeps & Needs<never, 'random' | 'sealKey'>;

export interface Rotation {
  /** The secret that the caller wants; undefined for any. */
  readonly secret?: Uint8Array | undefined;
  /** How long those before it sign beside it; `OVERLAP_DEFAULT_MS` when undefined. */
  readonly overlapMs?: number | undefined;
  /** The same claim again is answered with the secret that was made for it. */
  readonly claim?: Claim | undefined;
}

export interface Rotated {
  readonly webhook: Webhook;
  /** The secret that signs from now on; undefined when it did before. */
  readonly secret?: Uint8Array;
}

/**
 * Gives a webhook another signing secret, beside which those before it go on signing for a while. Raises
 * FAILED_PRECONDITION when too many would, and what `changeWebhook` raises.
 */
export function createRotate(deps: RotateDeps) {
  const { random, sealKey } = deps;

  return async (target: Target, rotation: Rotation): Promise<Rotated> => {
    const { claim } = rotation;
    const made = claim?.resumed ? await madeFor(target, claim) : undefined;
    if (made !== undefined) return made;
    const secret = rotation.secret ?? newSecret(random);
    const done = { isNew: false };
    const webhook = await changeWebhook(deps, target, (found, { now }) => {
      const secrets = replaced(found, secret, { ...rotation, now, random, sealKey });
      done.isNew = secrets !== undefined && secrets[0]?.id !== found.secrets[0]?.id;
      return secrets === undefined ? undefined : { webhook: { ...found, secrets } };
    });
    return { webhook, ...(done.isNew && { secret }) };
  };

  async function madeFor(target: Target, claim: Claim): Promise<Rotated | undefined> {
    const id = claimedId('secret', claim);
    const webhook = await getWebhook(deps, target);
    const found = webhook.secrets.find((each) => each.id === id);
    return found && { webhook, secret: openSecret(sealKey, found.sealed, webhook) };
  }
}

/**
 * Makes a signing secret of a webhook sign no more. Where it was the newest, the one before it signs on.
 * Raises INVALID for what is no id, NOT_FOUND when the webhook has none with this id, FAILED_PRECONDITION when it is the
 * only one that signs, and what `changeWebhook` raises.
 */
export async function withdrawSecret(deps: ChangeDeps, target: Target, secretId: string): Promise<Webhook> {
  // What is no id may be the secret itself, which no answer repeats.
  if (!isOwnForm(secretId))
    throw invalid('secret_id', 'must be an id, as signing_secrets of the webhook has it');
  return changeWebhook(deps, target, (found, { now }) => {
    const secrets = withdrawn(found.secrets, secretId, now);
    if (secrets === 'NONE') {
      const message = `webhook ${webhookIdOf(found)} has no signing secret ${secretId} that signs`;
      throw new DomainError('SECRET_NOT_FOUND', message, { metadata: { secretId } });
    }
    if (secrets === 'LAST') {
      throw failedPrecondition('SECRET_IS_LAST', {
        type: 'Webhook',
        id: webhookIdOf(found),
        description: `has no other signing secret than ${secretId}; rotate it with an overlap of 0 instead`,
        metadata: { secretId },
      });
    }
    return { webhook: { ...found, secrets } };
  });
}

/** What a secret is made with. */
export interface Making extends Rotation {
  readonly now: number;
  readonly random: Random;
  readonly sealKey: SealKey;
}

/** A signing secret as it is stored. */
export function madeSecret(
  secret: Uint8Array,
  owner: SecretOwner,
  { claim, now, random, sealKey }: Making,
): SigningSecret {
  const id = claim ? claimedId('secret', claim) : newId('secret', now, random);
  return { id, sealed: sealSecret(sealKey, secret, owner, random), createdAt: now };
}

/**
 * The secrets of a webhook once this one signs first; undefined when nothing changes. One that does already is left
 * alone, but for an overlap that is given, which can end those before it sooner. Raises FAILED_PRECONDITION when too
 * many would sign.
 */
export function replaced(found: Webhook, secret: Uint8Array, making: Making): SigningSecret[] | undefined {
  const { now, sealKey, overlapMs = OVERLAP_DEFAULT_MS } = making;
  const live = liveSecrets(found.secrets, now);
  const at = live.findIndex(({ sealed }) => Buffer.compare(openSecret(sealKey, sealed, found), secret) === 0);
  if (at === 0 && making.overlapMs === undefined) return undefined;
  const secrets = rotated(live, live[at] ?? madeSecret(secret, found, making), { now, overlapMs });
  if (secrets !== 'FULL') return isDeepStrictEqual(secrets, live) ? undefined : secrets;
  throw failedPrecondition('TOO_MANY_SECRETS', {
    type: 'Webhook',
    id: webhookIdOf(found),
    description: `has ${OLD_SECRETS_MAX} signing secrets that sign beside the newest; withdraw one, wait until one ends, or rotate with an overlap of 0`,
    metadata: { max: OLD_SECRETS_MAX },
  });
}
