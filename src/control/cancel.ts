import type { Claim } from '../domain/claim.ts';
import type { Delivery } from '../domain/delivery/delivery.ts';
import { failedPrecondition, notFound } from '../domain/error.ts';
import type { Needs } from './deps.ts';

export type CancelDeps = Needs<'getDelivery' | 'cancelDeliveries', 'clock'>;

/**
 * Marks a PENDING delivery to be given up and returns it as it is now. Mostly it is still PENDING then:
 * the dispatcher settles it. Raises NOT_FOUND, and FAILED_PRECONDITION when it is finished, unless the same claim may
 * have given it up before.
 */
export async function cancelDelivery(
  { store, clock }: CancelDeps,
  namespace: string,
  id: string,
  claim?: Claim,
): Promise<Delivery> {
  const [result] = await store.cancelDeliveries([{ namespace, id, now: clock.now() }]);
  const delivery = result === 'GONE' ? undefined : await store.getDelivery({ namespace, id });
  if (delivery === undefined) throw notFound('Delivery', id);
  if (result === 'FINISHED') {
    const { state, finishedAt = 0 } = delivery;
    if (claim?.resumed && state === 'CANCELLED' && finishedAt >= claim.at) return delivery;
    const description = `is ${state} already; only a PENDING delivery can be cancelled`;
    throw failedPrecondition('DELIVERY_NOT_PENDING', {
      type: 'Delivery',
      id,
      description,
      metadata: { state },
    });
  }
  return delivery;
}
