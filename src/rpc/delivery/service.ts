import { create } from '@bufbuild/protobuf';
import type { ServiceImpl } from '@connectrpc/connect';
import {
  type DeliveryService,
  type RetryDeliveryRequest_FailedOf,
  WatchDeliveriesResponseSchema,
} from '../../../gen/carillon/v1/delivery_pb.ts';
import type { FailedOf } from '../../control/retry.ts';
import type { Watched } from '../../control/watch.ts';
import type { Delivery } from '../../domain/delivery/delivery.ts';
import { noProblems } from '../../domain/problems.ts';
import { attemptTo, DELIVERY_STATES, deliveryTo } from '../convert/delivery.ts';
import { fromTimestamp } from '../convert/time.ts';
import type { ApiDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { readPage } from '../page.ts';
import { note } from '../transport/call.ts';
import { whyEnded } from '../transport/failures.ts';
import { claimOf } from '../transport/once.ts';
import { bothOf, type DeliveryFilter, readDeliveryFilter, satisfies } from './list-filter.ts';
import { readResumeToken, writeResumeToken } from './watch-token.ts';

/** What a delivery without its attempts takes on the wire, about. */
const DELIVERY_BYTES = 400;

/** carillon.v1.DeliveryService. What each method does is said in the proto file. */
export function deliveryService({ control }: Pick<ApiDeps, 'control'>): ServiceImpl<typeof DeliveryService> {
  const { deliveries } = control;
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
            : deliveries.list({ ...filter, namespace, limit, ...(before !== undefined && { before }) }),
        idOf: (delivery) => delivery.id,
        bytesOf: () => DELIVERY_BYTES,
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
      const filter = readDeliveryFilter(request.filter);
      const { resumeToken } = request;
      const order = {
        namespace,
        wants: filter === undefined ? () => false : (delivery: Delivery) => satisfies(delivery, filter),
        ...(resumeToken !== '' && { resumeAt: readResumeToken(namespace, resumeToken) }),
      };
      for await (const watched of deliveries.watch(order, signal)) yield watchedTo(watched, namespace);
      // It ends by itself only when its caller has: the call is logged as one that was given up.
      throw whyEnded(signal);
    },

    async retryDelivery({ namespace: named, target }, context) {
      const namespace = theNamespace(named);
      const claim = claimOf(context);
      switch (target.case) {
        case 'id':
          return deliveries.retry(namespace, target.value, claim);
        case 'failedOf':
          return deliveries.retryFailedOf(failedOfFrom(target.value, namespace), context.signal, claim);
        case undefined:
          throw new Error('the rules of the message require a target');
        default:
          return target satisfies never;
      }
    },

    async cancelDelivery({ namespace, id }, context) {
      const delivery = await deliveries.cancel(theNamespace(namespace), id, claimOf(context));
      return { delivery: deliveryTo(delivery) };
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
