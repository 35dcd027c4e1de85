import type { ServiceImpl } from '@connectrpc/connect';
import { type WebhookService, WebhookView } from '../../../gen/carillon/v1/webhook_pb.ts';
import type { BulkIds } from '../../control/bulk-webhooks.ts';
import { WEBHOOK_FIELDS } from '../../domain/listing/fields.ts';
import { placeOfWebhook } from '../../domain/listing/place.ts';
import { bulkOf } from '../bulk.ts';
import { webhookTo } from '../convert/webhook.ts';
import type { HandlerDeps } from '../deps.ts';
import { listingOf } from '../listing.ts';
import { theNamespace } from '../namespace.ts';
import { readPage } from '../page.ts';
import { note } from '../transport/call.ts';
import { claimOf } from '../transport/once.ts';
import { principalOf } from '../transport/principal.ts';
import { backfillHandler } from './backfill.ts';
import { batchGetHandler, batchRegisterHandler } from './batch.ts';
import { previewHandler } from './preview.ts';
import { registerHandler } from './register.ts';
import { removeHandler } from './remove.ts';
import { rotateSecretHandler } from './rotate.ts';
import { updateHandler } from './update.ts';
import { viewOf } from './view.ts';
import { wireBytesOf } from './wire-bytes.ts';

const RULES = {
  fields: WEBHOOK_FIELDS,
  orders: ['create_time', 'name'],
  usual: { by: 'create_time', descending: false },
} as const;

/** carillon.v1.WebhookService. What each method does is said in the proto file. */
export function webhookService(deps: HandlerDeps): ServiceImpl<typeof WebhookService> {
  const { webhooks } = deps.control;
  return {
    register: registerHandler(deps),
    batchRegister: batchRegisterHandler(deps),
    batchGet: batchGetHandler(deps),
    update: updateHandler(deps),
    remove: removeHandler(deps),
    previewSchedule: previewHandler(deps),
    backfill: backfillHandler(deps),
    rotateSecret: rotateSecretHandler(deps),

    async withdrawSecret({ id, namespace, etag, secretId }, context) {
      const target = { id, namespace: theNamespace(namespace, principalOf(context)), etag };
      return { webhook: webhookTo(await webhooks.withdrawSecret(target, secretId)) };
    },

    async get(request, context) {
      const namespace = theNamespace(request.namespace, principalOf(context));
      const found = await webhooks.get({ id: request.id, namespace });
      const [webhook] = await viewOf(deps.control, WebhookView.FULL, [found]);
      return { webhook };
    },

    async list(request, context) {
      const { pageSize, pageToken } = request;
      const { namespace, where, order, query } = listingOf('List', request, principalOf(context), RULES);
      const by = order.by === 'name' ? 'name' : 'id';
      const { rows, nextPageToken } = await readPage({
        query,
        pageSize,
        pageToken,
        read: webhooks.list({ namespace, where, by, descending: order.descending }),
        placeOf: ({ id, spec }) => placeOfWebhook(id, spec.name, by),
        bytesOf: wireBytesOf,
        signal: context.signal,
      });
      return { webhooks: await viewOf(deps.control, request.view, rows), nextPageToken };
    },

    async pause(request, context) {
      const { id, etag } = request;
      if (id !== '') {
        const namespace = theNamespace(request.namespace, principalOf(context));
        const target = { id, namespace, etag };
        return { webhook: webhookTo(await webhooks.pause(target)) };
      }
      const { order, tokenOf } = bulkOf('Pause', request, principalOf(context), WEBHOOK_FIELDS);
      return idsTo(await webhooks.pauseMany(order, context.signal), tokenOf);
    },

    async resume(request, context) {
      const { id, etag } = request;
      if (id !== '') {
        const namespace = theNamespace(request.namespace, principalOf(context));
        const target = { id, namespace, etag };
        return { webhook: webhookTo(await webhooks.resume(target)) };
      }
      const { order, tokenOf } = bulkOf('Resume', request, principalOf(context), WEBHOOK_FIELDS);
      return idsTo(await webhooks.resumeMany(order, context.signal), tokenOf);
    },

    async trigger(request, context) {
      const namespace = theNamespace(request.namespace, principalOf(context));
      const deliveryId = await webhooks.trigger({ id: request.id, namespace }, claimOf(context));
      note(context, { deliveryId });
      return { deliveryId };
    },
  };
}

function idsTo({ ids, contendedIds, next }: BulkIds, tokenOf: (next: string | undefined) => string) {
  return {
    ids: [...ids],
    count: ids.length,
    nextPageToken: tokenOf(next),
    contendedIds: [...contendedIds],
  };
}
