import type { ServiceImpl } from '@connectrpc/connect';
import { type WebhookService, WebhookView } from '../../../gen/carillon/v1/webhook_pb.ts';
import { basicTo, STATES, webhookTo } from '../convert/webhook.ts';
import type { HandlerDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { readPage } from '../page.ts';
import { note } from '../transport/call.ts';
import { claimOf } from '../transport/once.ts';
import { backfillHandler } from './backfill.ts';
import { previewHandler } from './preview.ts';
import { registerHandler } from './register.ts';
import { removeHandler } from './remove.ts';
import { updateHandler } from './update.ts';
import { wireBytesOf } from './wire-bytes.ts';

/** carillon.v1.WebhookService. What each method does is said in the proto file. */
export function webhookService(deps: HandlerDeps): ServiceImpl<typeof WebhookService> {
  const { webhooks } = deps.control;
  return {
    register: registerHandler(deps),
    update: updateHandler(deps),
    remove: removeHandler(deps),
    previewSchedule: previewHandler(deps),
    backfill: backfillHandler(deps),

    async get({ id, namespace }) {
      return { webhook: webhookTo(await webhooks.get({ id, namespace: theNamespace(namespace) })) };
    },

    async list(request) {
      const namespace = theNamespace(request.namespace);
      const { name, labels, pageSize, pageToken } = request;
      const state = STATES.toDomain(request.state);
      const filter = {
        namespace,
        ...(name !== '' && { name }),
        ...(state !== undefined && { state }),
        ...(Object.keys(labels).length > 0 && { labels }),
      };
      const { rows, nextPageToken } = await readPage({
        query: [
          'List',
          namespace,
          name,
          state ?? '',
          Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1)),
        ],
        pageSize,
        pageToken,
        read: (after, limit) => webhooks.list({ ...filter, limit, ...(after !== undefined && { after }) }),
        idOf: (webhook) => webhook.id,
        bytesOf: wireBytesOf,
      });
      const to = request.view === WebhookView.FULL ? webhookTo : basicTo;
      return { webhooks: rows.map(to), nextPageToken };
    },

    async pause({ id, namespace, etag }) {
      const target = { id, namespace: theNamespace(namespace), etag };
      return { webhook: webhookTo(await webhooks.pause(target)) };
    },

    async resume({ id, namespace, etag }) {
      const target = { id, namespace: theNamespace(namespace), etag };
      return { webhook: webhookTo(await webhooks.resume(target)) };
    },

    async trigger({ id, namespace }, context) {
      const deliveryId = await webhooks.trigger({ id, namespace: theNamespace(namespace) }, claimOf(context));
      note(context, { deliveryId });
      return { deliveryId };
    },
  };
}
