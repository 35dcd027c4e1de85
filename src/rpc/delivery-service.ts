import type { ServiceImpl } from '@connectrpc/connect';
import type { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { DELIVERY_STATES, deliveryTo } from './convert-delivery.ts';
import type { ApiDeps } from './deps.ts';
import { notFound } from './errors.ts';
import { theNamespace } from './namespace.ts';
import { readPage } from './page.ts';

/** What a delivery without its attempts takes on the wire, about. */
const DELIVERY_BYTES = 300;

export interface DeliveryServiceDeps {
  readonly store: Pick<ApiDeps['store'], 'listDeliveries' | 'getDelivery'>;
}

/** carillon.v1.DeliveryService. What each method does is said in the proto file. */
export function deliveryService({ store }: DeliveryServiceDeps): ServiceImpl<typeof DeliveryService> {
  return {
    async listDeliveries(request) {
      const namespace = theNamespace(request.namespace);
      const { webhookId, pageSize, pageToken } = request;
      const state = DELIVERY_STATES.toDomain(request.state);
      const filter = {
        namespace,
        ...(webhookId !== '' && { webhookId }),
        ...(state !== undefined && { state }),
      };
      const { rows, nextPageToken } = await readPage({
        query: ['ListDeliveries', namespace, webhookId, state ?? ''],
        pageSize,
        pageToken,
        // The newest first: a page goes on with what came before.
        read: (before, limit) =>
          store.listDeliveries({ ...filter, limit, ...(before !== undefined && { before }) }),
        idOf: (delivery) => delivery.id,
        bytesOf: () => DELIVERY_BYTES,
      });
      return { deliveries: rows.map((delivery) => deliveryTo(delivery)), nextPageToken };
    },

    async getDelivery({ id, namespace }) {
      const wanted = theNamespace(namespace);
      const delivery = await store.getDelivery(id);
      if (delivery === undefined || delivery.namespace !== wanted) throw notFound('Delivery', id);
      return { delivery: deliveryTo(delivery, delivery.attempts) };
    },
  };
}
