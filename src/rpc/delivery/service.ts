import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  type DeliveryService,
  type RetryDeliveryRequest_FailedOf,
  WatchDeliveriesResponseSchema,
} from '../../../gen/carillon/v1/delivery_pb.ts';
import type { FailedOf } from '../../control/retry.ts';
import type { Watched } from '../../control/watch.ts';
import { matcherOf } from '../../domain/listing/condition.ts';
import { DELIVERY_FIELDS } from '../../domain/listing/fields.ts';
import { readFilter } from '../../domain/listing/filter.ts';
import { noProblems } from '../../domain/problems.ts';
import { attemptTo, deliveryTo } from '../convert/delivery.ts';
import { fromTimestamp } from '../convert/time.ts';
import type { ApiDeps } from '../deps.ts';
import { listingOf } from '../listing.ts';
import { theNamespace } from '../namespace.ts';
import { readPage } from '../page.ts';
import { note } from '../transport/call.ts';
import { whyEnded } from '../transport/failures.ts';
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
    async listDeliveries(request, { signal }) {
      const { pageSize, pageToken } = request;
      const { namespace, where, order, query } = listingOf('ListDeliveries', request, RULES);
      const { rows, nextPageToken } = await readPage({
        query,
        pageSize,
        pageToken,
        read: await deliveries.list({ namespace, where, descending: order.descending }),
        placeOf: (delivery) => delivery.id,
        bytesOf: () => DELIVERY_BYTES,
        signal,
      });
      return { deliveries: rows.map((delivery) => deliveryTo(delivery)), nextPageToken };
    },

    async getDelivery({ id, namespace }) {
      const delivery = await deliveries.get(theNamespace(namespace), id);
      return { delivery: deliveryTo(delivery, delivery.attempts) };
    },

    async *watchDeliveries(request, context) {
      const { signal } = context;
      const namespace = theNamespace(request.namespace);
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

    async retryDelivery({ namespace: named, target }, { signal }) {
      const namespace = theNamespace(named);
      switch (target.case) {
        case 'id':
          return deliveries.retry(namespace, target.value);
        case 'failedOf':
          return deliveries.retryFailedOf(failedOfFrom(target.value, namespace), signal);
        case undefined:
          throw new Error('the rules of the message require a target');
        default:
          return target satisfies never;
      }
    },

    async cancelDelivery({ namespace, id }) {
      return { delivery: deliveryTo(await deliveries.cancel(theNamespace(namespace), id)) };
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

/** Raises INVALID for a time that is none. */
function failedOfFrom(
  { webhookId, startTime, waiting }: RetryDeliveryRequest_FailedOf,
  namespace: string,
): FailedOf {
  const problems = noProblems();
  const since = startTime && fromTimestamp(startTime, 'failed_of.start_time', problems);
  problems.raise();
  return { namespace, webhookId, waiting, ...(since !== undefined && { since }) };
}
