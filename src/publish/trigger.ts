import type { Clock } from '../domain/clock.ts';
import { failedPrecondition, notFound } from '../domain/error.ts';
import type { Random } from '../domain/random.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Store } from '../store/store.ts';
import { makeRun } from './make-run.ts';

export interface TriggerDeps {
  readonly store: Pick<Store, 'publish'>;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Rings a webhook once, now, outside its schedule, and returns the id of the delivery. Raises
 * FAILED_PRECONDITION unless the webhook is ACTIVE, NOT_FOUND when it is removed meanwhile, and INVALID when
 * its templates cannot be rendered.
 */
export async function trigger(deps: TriggerDeps, webhook: Webhook): Promise<string> {
  if (webhook.state !== 'ACTIVE') {
    const { id, state } = webhook;
    const description = `is ${state}; resume it first`;
    throw failedPrecondition('WEBHOOK_NOT_ACTIVE', { type: 'Webhook', id, description, metadata: { state } });
  }
  const now = deps.clock.now();
  const { event, delivery } = makeRun({ webhook, now, random: deps.random });
  const [result] = await deps.store.publish([{ event, deliveries: [delivery], dueAt: now, run: true }]);
  if (result?.kind === 'PUBLISHED' && result.deliveries === 0) {
    throw notFound('Webhook', webhook.id);
  }
  return delivery.id;
}
