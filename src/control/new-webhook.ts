import { HEALTHY } from '../domain/delivery/lane.ts';
import { newId } from '../domain/id.ts';
import type { Random } from '../domain/random.ts';
import { firstCursor } from '../domain/schedule/run-plan.ts';
import type { AskedSpec } from '../domain/webhook/asked.ts';
import type { Webhook, WebhookSpec } from '../domain/webhook/webhook.ts';

export interface Beginning {
  readonly namespace: string;
  /** The id that its caller wants for it. */
  readonly callerId?: string;
  readonly spec: AskedSpec;
  readonly effective: WebhookSpec;
  readonly sealedSecrets: readonly Uint8Array[];
  readonly now: number;
  readonly random: Random;
}

/** A webhook as it is when it begins: ACTIVE, healthy, at the start of its schedule. */
export function newWebhook({ now, random, ...asked }: Beginning): Webhook {
  const id = newId('webhook', now, random);
  return {
    id,
    ...asked,
    state: 'ACTIVE',
    cursor: firstCursor(id, asked.effective.schedule, now),
    health: HEALTHY,
    filterFailures: 0,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
}
