import type { Claim } from '../domain/claim.ts';
import type { DeliveryDetail } from '../domain/delivery/delivery.ts';
import { type DomainError, failedPrecondition, notFound } from '../domain/error.ts';
import type { Needs } from './deps.ts';

export type RetryDeps = Needs<'getWebhooks' | 'getDelivery' | 'retryDeliveries', 'clock'>;

/**
 * Sends one delivery again and returns it as it is now, with what it waits for in an ordered webhook. Raises
 * NOT_FOUND, and FAILED_PRECONDITION when it SUCCEEDED, its event's data was erased, or as much waits with it as may. The
 * same claim again sends nothing a second time.
 */
export async function retryDelivery(
  deps: RetryDeps,
  namespace: string,
  id: string,
  claim?: Claim,
): Promise<DeliveryDetail> {
  const order = { namespace, id, now: deps.clock.now(), ...limitOf(claim) };
  const [result] = await deps.store.retryDeliveries([order]);
  if (result === 'SUCCEEDED') {
    const description = 'has SUCCEEDED; replay its event to send it once more';
    throw failedPrecondition('DELIVERY_SUCCEEDED', { type: 'Delivery', id, description });
  }
  if (result === 'FULL') {
    const description =
      'would overflow at once: as much waits for its webhook, or in the namespace, as may; cancel some of it, or raise limits.waiting_max, and retry it then';
    throw failedPrecondition('WEBHOOK_FULL', { type: 'Delivery', id, description });
  }
  const delivery = result === 'GONE' ? undefined : await deps.store.getDelivery({ namespace, id });
  if (delivery === undefined) throw await whyGone(deps, namespace, id);
  return delivery;
}

/** What was finished after a call began was sent again by it, if the call may have come so far before. */
export function limitOf(claim: Claim | undefined): { readonly finishedBy?: number } {
  return claim?.resumed ? { finishedBy: claim.at } : {};
}

/** The store knows only that it cannot be; the caller is told why. */
async function whyGone({ store }: RetryDeps, namespace: string, id: string): Promise<DomainError> {
  const delivery = await store.getDelivery({ namespace, id });
  if (delivery === undefined) return notFound('Delivery', id);
  const [webhook] = await store.getWebhooks([delivery.webhookId]);
  if (webhook === undefined) return notFound('Webhook', delivery.webhookCallerId ?? delivery.webhookId);
  const description = "cannot be sent again: its event's data was erased";
  return failedPrecondition('EVENT_DATA_ERASED', { type: 'Delivery', id, description });
}
