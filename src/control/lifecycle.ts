import { isHealthy } from '../domain/delivery/lane.ts';
import { resumeCursor } from '../domain/schedule/run-plan.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import { type ChangeDeps, changeWebhook, type Target, wellAgain } from './change.ts';

/** Stops ringing a webhook. Raises what `changeWebhook` raises. */
export function pauseWebhook(deps: ChangeDeps, target: Target): Promise<Webhook> {
  return changeWebhook(deps, target, (webhook) => {
    if (webhook.state === 'PAUSED') return undefined;
    return { webhook: { ...withoutReason(webhook), state: 'PAUSED' } };
  });
}

/**
 * Rings a webhook again. Whoever resumes it says that its destination is well: its breaker closes, and what it asked
 * for and the time for which it has failed are forgotten, even when it is ACTIVE. Raises what `changeWebhook` raises.
 */
export function resumeWebhook(deps: ChangeDeps, target: Target): Promise<Webhook> {
  return changeWebhook(deps, target, (webhook, present) => {
    if (webhook.state === 'ACTIVE') {
      if (isHealthy(webhook.health)) return undefined;
      return { webhook: wellAgain(webhook), resetHealth: true };
    }
    const cursor = resumeCursor(webhook.id, webhook.effective.schedule, webhook.cursor, present);
    return {
      webhook: { ...withoutReason(wellAgain(webhook)), state: 'ACTIVE', cursor },
      cursorFrom: webhook.cursor,
      resetHealth: true,
    };
  });
}

function withoutReason({ stateReason: _, ...webhook }: Webhook): Webhook {
  return webhook;
}
