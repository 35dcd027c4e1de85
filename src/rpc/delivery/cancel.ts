import type { Delivery } from '../../domain/delivery/delivery.ts';
import { failedPrecondition, notFound } from '../../domain/error.ts';
import type { ApiDeps } from '../deps.ts';

export interface CancelDeps {
  readonly store: Pick<ApiDeps['store'], 'getDelivery' | 'cancelDeliveries'>;
  readonly clock: ApiDeps['clock'];
}

/**
 * Marks a PENDING delivery to be given up and returns it as it is now, which is mostly still PENDING: whoever
 * sends settles it. Raises NOT_FOUND, and FAILED_PRECONDITION when it is finished.
 */
export async function cancelOne(
  { store, clock }: CancelDeps,
  namespace: string,
  id: string,
): Promise<Delivery> {
  const [result] = await store.cancelDeliveries([{ namespace, id, now: clock.now() }]);
  const delivery = result === 'GONE' ? undefined : await store.getDelivery(id);
  if (delivery === undefined) throw notFound('Delivery', id);
  if (result === 'FINISHED') {
    const description = `is ${delivery.state} already; only a PENDING delivery can be cancelled`;
    throw failedPrecondition('Delivery', id, description);
  }
  return delivery;
}
