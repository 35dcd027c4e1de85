import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import { type DeliveryService, WatchDeliveriesResponseSchema } from '../../../gen/carillon/v1/delivery_pb.ts';
import type { Watched } from '../../control/watch.ts';
import { matcherOf } from '../../domain/listing/condition.ts';
import { DELIVERY_FIELDS } from '../../domain/listing/fields.ts';
import { readFilter } from '../../domain/listing/filter.ts';
import { bulkOf } from '../bulk.ts';
import { attemptTo, deliveryTo, shownDeliveryTo } from '../convert/delivery.ts';
import type { ApiDeps } from '../deps.ts';
import { listingOf } from '../listing.ts';
import { theNamespace } from '../namespace.ts';
import { readPage } from '../page.ts';
import { note } from '../transport/call.ts';
import { whyEnded } from '../transport/failures.ts';
import { claimOf } from '../transport/once.ts';
import { principalOf } from '../transport/principal.ts';
import { readResumeToken, writeResumeToken } from './watch-token.ts';

/** What a delivery without its attempts takes on the wire, about. */
const DELIVERY_BYTES = 400;

const RULES = {
  fields: DELIVERY_FIELDS,
  orders: ['create_time'],
  usual: { by: 'create_time', descending: true },
} as const;

/** carillon.v1.DeliveryService. What each method does is said in the proto file. */
export function deliveryService({ control }: Pick<ApiDeps, 'control'>): ServiceImpl<typeof DeliveryService> {
  const { deliveries } = control;
  return {
    async listDeliveries(request, context) {
      const { pageSize, pageToken } = request;
      const { namespace, where, order, query } = listingOf(
        'ListDeliveries',
        request,
        principalOf(context),
        RULES,
      );
      const { rows, nextPageToken } = await readPage({
        query,
        pageSize,
        pageToken,
        read: await deliveries.list({ namespace, where, descending: order.descending }),
        placeOf: (delivery) => delivery.id,
        bytesOf: () => DELIVERY_BYTES,
        signal: context.signal,
      });
      return { deliveries: rows.map((delivery) => deliveryTo(delivery)), nextPageToken };
    },

    async getDelivery(request, context) {
      const namespace = theNamespace(request.namespace, principalOf(context));
      return { delivery: shownDeliveryTo(await deliveries.get(namespace, request.id)) };
    },

    async *watchDeliveries(request, context) {
      const { signal } = context;
      const namespace = theNamespace(request.namespace, principalOf(context));
      note(context, { namespace });
      const { resumeToken } = request;
      const order = {
        namespace,
        wants: matcherOf(readFilter(request.filter, DELIVERY_FIELDS), DELIVERY_FIELDS),
        ...(resumeToken !== '' && { resumeAt: readResumeToken(namespace, resumeToken) }),
      };
      for await (const watched of deliveries.watch(order, signal)) yield watchedTo(watched, namespace);
      // It ends by itself only when its caller has: the call is logged as one that was given up.
      throw whyEnded(signal);
    },

    async retryDelivery(request, context) {
      const namespace = theNamespace(request.namespace, principalOf(context));
      const delivery = await deliveries.retry(namespace, request.id, claimOf(context));
      return { delivery: { ...deliveryTo(delivery), waitsFor: delivery.waitsFor ?? '' } };
    },

    async retryDeliveries(request, context) {
      const { order, tokenOf } = bulkOf('RetryDeliveries', request, principalOf(context), DELIVERY_FIELDS);
      const done = await deliveries.retryMany(order, context.signal, claimOf(context));
      const { count, waiting, full, next } = done;
      note(context, { deliveries: count });
      return { count, heldBackCount: waiting, fullCount: full, nextPageToken: tokenOf(next) };
    },

    async cancelDelivery(request, context) {
      const namespace = theNamespace(request.namespace, principalOf(context));
      const delivery = await deliveries.cancel(namespace, request.id, claimOf(context));
      return { delivery: deliveryTo(delivery) };
    },

    async cancelDeliveries(request, context) {
      const { order, tokenOf } = bulkOf('CancelDeliveries', request, principalOf(context), DELIVERY_FIELDS);
      const { count, next } = await deliveries.cancelMany(order, context.signal);
      note(context, { deliveries: count });
      return { count, nextPageToken: tokenOf(next) };
    },
  };
}

function watchedTo({ change, place }: Watched, namespace: string) {
  return create(WatchDeliveriesResponseSchema, {
    ...(change && { delivery: deliveryTo(change.delivery) }),
    ...(change?.attempt && { attempt: attemptTo(change.attempt) }),
    resumeToken: writeResumeToken(namespace, place),
  });
}
