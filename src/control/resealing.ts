import { seal, unseal } from '../domain/seal.ts';
import { isSealedByNewest } from '../domain/seal-keys.ts';
import { openCompatibilitySecret, sealCompatibilitySecret } from '../domain/webhook/compatibility.ts';
import { type NamespaceKey, resealNamespaceKey } from '../domain/webhook/namespace-key.ts';
import { openSecret, sealSecret } from '../domain/webhook/secret.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { RememberedRequest } from '../store/store.ts';
import { createVault } from './credentials.ts';
import type { ControlDeps } from './deps.ts';
import { sealedAnswer } from './once.ts';

/**
 * Seals by the newest key what an older one sealed. What the newest sealed already is given back as it is, and is the
 * same object. Each raises what `unseal` raises.
 */
export interface Resealing {
  /** All that is sealed of a webhook, and the marks of it in what was asked for, which follow from the key too. */
  webhook(webhook: Webhook): Webhook;
  namespaceKey(key: NamespaceKey): NamespaceKey;
  request(request: RememberedRequest): RememberedRequest;
}

export function createResealing({ sealKey, random }: Pick<ControlDeps, 'sealKey' | 'random'>): Resealing {
  const vault = createVault({ sealKey, random });
  const isOld = (sealed: Uint8Array) => !isSealedByNewest(sealKey, sealed);

  return {
    webhook(webhook) {
      if (!sealedOfWebhook(webhook).some(isOld)) return webhook;
      const { secrets, compatibilitySecret: compatibility, sealedCredentials, spec } = webhook;
      return {
        ...webhook,
        secrets: secrets.map((secret) => {
          const bytes = openSecret(sealKey, secret.sealed, webhook);
          return { ...secret, sealed: sealSecret(sealKey, bytes, webhook, random) };
        }),
        ...(compatibility !== undefined && {
          compatibilitySecret: sealCompatibilitySecret(
            sealKey,
            openCompatibilitySecret(sealKey, compatibility, webhook),
            webhook,
            random,
          ),
        }),
        ...(sealedCredentials !== undefined && vault.stored(webhook, spec, vault.open(webhook))),
      };
    },

    namespaceKey: (key) => (isOld(key.sealed) ? resealNamespaceKey(sealKey, key, random) : key),

    request(request) {
      const { answer } = request;
      if (answer === undefined || !isOld(answer)) return request;
      const what = sealedAnswer(request);
      return { ...request, answer: seal(sealKey, unseal(sealKey, answer, what), random, what) };
    },
  };
}

/** Everything that is sealed of a webhook. */
export function sealedOfWebhook({
  secrets,
  compatibilitySecret,
  sealedCredentials,
}: Pick<Webhook, 'secrets' | 'compatibilitySecret' | 'sealedCredentials'>): Uint8Array[] {
  const others = [compatibilitySecret, sealedCredentials].filter((sealed) => sealed !== undefined);
  return [...secrets.map(({ sealed }) => sealed), ...others];
}
