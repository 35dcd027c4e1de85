import type { ServiceImpl } from '@connectrpc/connect';
import type { DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { notFound } from '../../domain/error.ts';
import { DELIVERY_STATES, deliveryTo } from '../convert/delivery.ts';
import type { ApiDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { readPage } from '../page.ts';
import type { WatchLimits } from '../stream-limits.ts';
import { cancelOne } from './cancel.ts';
import { bothOf, type DeliveryFilter, readDeliveryFilter } from './list-filter.ts';
import { retryFailedOf, retryOne } from './retry.ts';
import { createWatch } from './watch.ts';

/** What a delivery without its attempts takes on the wire, about. */
const DELIVERY_BYTES = 400;

export interface DeliveryServiceDeps {
  readonly store: Pick<
    ApiDeps['store'],
    | 'getWebhooks'
    | 'listDeliveries'
    | 'getDelivery'
    | 'changesSince'
    | 'onChanges'
    | 'retryDeliveries'
    | 'cancelDeliveries'
  >;
  readonly clock: ApiDeps['clock'];
  readonly settings: { readonly watch?: Partial<WatchLimits> };
  /** Ends the streams that would never end. */
  readonly shutdown: AbortSignal;
}

/** carillon.v1.DeliveryService. What each method does is said in the proto file. */
export function deliveryService(deps: DeliveryServiceDeps): ServiceImpl<typeof DeliveryService> {
  const { store, shutdown, settings } = deps;
  return {
    async listDeliveries(request) {
      const namespace = theNamespace(request.namespace);
      const { webhookId, pageSize, pageToken, filter: text } = request;
      const state = DELIVERY_STATES.toDomain(request.state);
      const fields: DeliveryFilter = {
        ...(webhookId !== '' && { webhookId }),
        ...(state !== undefined && { state }),
      };
      const written = readDeliveryFilter(text);
      const filter = written && bothOf(fields, written);
      const { rows, nextPageToken } = await readPage({
        query: ['ListDeliveries', namespace, webhookId, state ?? '', text],
        pageSize,
        pageToken,
        // The newest first: a page goes on with what came before.
        read: async (before, limit) =>
          filter === undefined
            ? []
            : store.listDeliveries({
                ...filter,
                namespace,
                limit,
                ...(before !== undefined && { before }),
              }),
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

    watchDeliveries: createWatch({ store, shutdown, ...(settings.watch && { limits: settings.watch }) }),

    async retryDelivery({ namespace: named, target }, context) {
      const namespace = theNamespace(named);
      switch (target.case) {
        case 'id':
          return retryOne(deps, namespace, target.value);
        case 'failedOf':
          return retryFailedOf(deps, namespace, target.value, context);
        case undefined:
          throw new Error('the rules of the message require a target');
        default:
          return target satisfies never;
      }
    },

    async cancelDelivery({ namespace, id }) {
      return { delivery: deliveryTo(await cancelOne(deps, theNamespace(namespace), id)) };
    },
  };
}
