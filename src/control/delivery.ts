import type { DeliveryDetail } from '../domain/delivery/delivery.ts';
import { notFound } from '../domain/error.ts';
import { present } from '../domain/event/present.ts';
import type { Needs } from './deps.ts';

/** A delivery with all that is known of it. */
export interface ShownDelivery extends DeliveryDetail {
  /** What its attempts send; undefined where nothing could be made, and once the event's data was erased. */
  readonly requestBody?: Uint8Array;
}

/** Raises NOT_FOUND, also for one of another namespace. */
export async function getDelivery(
  { store }: Needs<'getDelivery' | 'getContents'>,
  namespace: string,
  id: string,
): Promise<ShownDelivery> {
  const delivery = await store.getDelivery({ namespace, id });
  if (delivery === undefined) throw notFound('Delivery', id);
  // What failed with RENDER has an event, of which nothing was made.
  if (delivery.reason === 'RENDER') return delivery;
  const [content] = await store.getContents([{ namespace, id }]);
  if (content === undefined) return delivery;
  const { event, format, rendered } = content;
  return { ...delivery, requestBody: present(event, format, rendered).body };
}
