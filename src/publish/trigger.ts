import { isShut } from '../domain/access/standing.ts';
import { type Claim, claimedId } from '../domain/claim.ts';
import type { Clock } from '../domain/clock.ts';
import { failedPrecondition, notFound } from '../domain/error.ts';
import type { Random } from '../domain/random.ts';
import { renderOwnHeaders } from '../domain/template/template.ts';
import { type Webhook, webhookIdOf } from '../domain/webhook/webhook.ts';
import type { Store } from '../store/store.ts';
import { makeRun } from './make-run.ts';

export interface TriggerDeps {
  readonly store: Pick<Store, 'publish'>;
  readonly clock: Clock;
  readonly random: Random;
}

/**
 * Rings a webhook once, now, outside its schedule, and returns the id of the delivery. Raises
 * FAILED_PRECONDITION unless the webhook and its namespace are ACTIVE, NOT_FOUND when it is removed meanwhile, and INVALID when
 * its templates cannot be rendered: whoever rings it is told at once. The same claim again rings no second time.
 */
export async function trigger(deps: TriggerDeps, webhook: Webhook, claim?: Claim): Promise<string> {
  if (webhook.state !== 'ACTIVE') {
    const { state } = webhook;
    const id = webhookIdOf(webhook);
    const description = `is ${state}; resume it first`;
    throw failedPrecondition('WEBHOOK_NOT_ACTIVE', { type: 'Webhook', id, description, metadata: { state } });
  }
  const now = claim?.at ?? deps.clock.now();
  const run = makeRun({ webhook, now, random: deps.random });
  if (run.fault !== undefined) throw run.fault;
  renderOwnHeaders(webhook);
  // An event that is there already is not published again.
  const event = claim ? { ...run.event, id: claimedId('event', claim) } : run.event;
  const delivery = claim ? { ...run.delivery, id: claimedId('delivery', claim) } : run.delivery;
  const [result] = await deps.store.publish([{ event, deliveries: [delivery], dueAt: now, run: true }]);
  if (result?.kind === 'SHUT') throw isShut(webhook.namespace, result.state);
  if (result?.kind === 'PUBLISHED' && result.deliveries === 0) {
    throw notFound('Webhook', webhookIdOf(webhook));
  }
  return delivery.id;
}

/** The delivery that a claim rang before it was resumed, whatever became of its webhook since. */
export async function rungFor(
  { store }: { readonly store: Pick<Store, 'getDelivery'> },
  claim: Claim,
): Promise<string | undefined> {
  return (await store.getDelivery({ namespace: claim.namespace, id: claimedId('delivery', claim) }))?.id;
}
