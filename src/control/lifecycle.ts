import { isHealthy } from '../domain/delivery/lane.ts';
import { resumeCursor } from '../domain/schedule/run-plan.ts';
import { unasked } from '../domain/webhook/consent.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import { type Change, type ChangeDeps, changeWebhook, type Target, wellAgain } from './change.ts';

/** Stops ringing a webhook. Raises what `changeWebhook` raises. */
export function pauseWebhook(deps: ChangeDeps, target: Target): Promise<Webhook> {
  return changeWebhook(deps, target, (webhook) => {
    if (webhook.state === 'PAUSED') return undefined;
    return { webhook: { ...withoutReason(webhook), state: 'PAUSED' } };
  });
}

/**
 * Rings a webhook again. Whoever resumes it says that its destination is well: its breaker closes, and what it asked
 * for and the time for which it has failed are forgotten, even when it is ACTIVE. A destination that has not consented is
 * asked now. Raises what `changeWebhook` raises.
 */
export function resumeWebhook(deps: ChangeDeps, target: Target): Promise<Webhook> {
  return changeWebhook(deps, target, (webhook, present) => {
    if (webhook.state === 'ACTIVE') {
      const asked = askedAnew(webhook, present.now);
      if (isHealthy(webhook.health) && !asked.resetConsent) return undefined;
      return { ...asked, webhook: wellAgain(asked.webhook), resetHealth: true };
    }
    const cursor = resumeCursor(webhook.id, webhook.effective.schedule, webhook.cursor, present);
    const asked = askedAnew(webhook, present.now);
    return {
      ...asked,
      webhook: { ...withoutReason(wellAgain(asked.webhook)), state: 'ACTIVE', cursor },
      cursorFrom: webhook.cursor,
      resetHealth: true,
    };
  });
}

/** Whose destination is asked at once whether it wants to be sent to, unless it has said so. */
function askedAnew(webhook: Webhook, now: number): Pick<Change, 'webhook' | 'resetConsent'> {
  if (webhook.consent === undefined || webhook.consent.state === 'GRANTED') return { webhook };
  return { webhook: { ...webhook, consent: unasked(now, webhook.version + 1) }, resetConsent: true };
}

function withoutReason({ stateReason: _, ...webhook }: Webhook): Webhook {
  return webhook;
}
