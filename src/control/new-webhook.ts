import { HEALTHY } from '../domain/delivery/lane.ts';
import { firstCursor } from '../domain/schedule/run-plan.ts';
import type { AskedSpec } from '../domain/webhook/asked.ts';
import type { Webhook, WebhookSpec } from '../domain/webhook/webhook.ts';

export interface Beginning {
  readonly id: string;
  readonly namespace: string;
  /** The id that its caller wants for it. */
  readonly callerId?: string;
  readonly spec: AskedSpec;
  readonly effective: WebhookSpec;
  readonly sealedSecrets: readonly Uint8Array[];
  readonly now: number;
}

/** A webhook as it is when it begins: ACTIVE, healthy, at the start of its schedule. */
export function newWebhook({ now, ...asked }: Beginning): Webhook {
  return {
    ...asked,
    state: 'ACTIVE',
    cursor: firstCursor(asked.id, asked.effective.schedule, now),
    health: HEALTHY,
    healthVersion: 0,
    filterFailures: 0,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
}
