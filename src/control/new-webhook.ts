import { HEALTHY } from '../domain/delivery/lane.ts';
import { firstCursor } from '../domain/schedule/cursor.ts';
import type { Present } from '../domain/schedule/schedule.ts';
import type { AskedSpec } from '../domain/webhook/asked.ts';
import { unasked } from '../domain/webhook/consent.ts';
import type { SigningSecret } from '../domain/webhook/rotation.ts';
import type { Webhook, WebhookSpec } from '../domain/webhook/webhook.ts';

export interface Beginning {
  readonly id: string;
  readonly namespace: string;
  /** The id that its caller wants for it. */
  readonly callerId?: string;
  readonly spec: AskedSpec;
  readonly effective: WebhookSpec;
  readonly secrets: readonly SigningSecret[];
  readonly compatibilitySecret?: Uint8Array;
  readonly sealedCredentials?: Uint8Array;
  readonly present: Present;
}

/** A webhook as it is when it begins: ACTIVE, healthy, at the start of its schedule. */
export function newWebhook({ present, ...asked }: Beginning): Webhook {
  const { now } = present;
  return {
    ...asked,
    state: 'ACTIVE',
    cursor: firstCursor(asked.id, asked.effective.schedule, present),
    health: HEALTHY,
    healthVersion: 0,
    ...(asked.effective.consent !== undefined && { consent: unasked(now, 1) }),
    filterFailures: 0,
    createdAt: now,
    updatedAt: now,
    version: 1,
  };
}
