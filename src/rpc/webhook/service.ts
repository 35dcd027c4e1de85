import type { ServiceImpl } from '@connectrpc/connect';
import type { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { HEALTHY, isHealthy } from '../../domain/delivery/lane.ts';
import { failedPrecondition } from '../../domain/error.ts';
import { resumeCursor } from '../../domain/schedule/run-plan.ts';
import type { Webhook } from '../../domain/webhook/webhook.ts';
import { STATES, webhookTo } from '../convert/webhook.ts';
import type { ApiDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { readPage } from '../page.ts';
import { note } from '../transport/call.ts';
import type { Rules } from '../validate.ts';
import { changeWebhook, getWebhook } from './change.ts';
import { previewing } from './preview.ts';
import { registration } from './register.ts';
import { removal } from './remove.ts';
import { updating } from './update.ts';

export type WebhookServiceDeps = Pick<
  ApiDeps,
  'store' | 'clock' | 'random' | 'sealKey' | 'settings' | 'trigger'
> & { readonly rules: Rules };

/** carillon.v1.WebhookService. What each method does is said in the proto file. */
export function webhookService(deps: WebhookServiceDeps): ServiceImpl<typeof WebhookService> {
  const { store, trigger } = deps;
  return {
    register: registration(deps),
    update: updating(deps),
    remove: removal(deps),
    previewSchedule: previewing(deps),

    async get({ id, namespace }) {
      return { webhook: webhookTo(await getWebhook(store, { id, namespace: theNamespace(namespace) })) };
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
        read: (after, limit) =>
          store.listWebhooks({ ...filter, limit, ...(after !== undefined && { after }) }),
        idOf: (webhook) => webhook.id,
        bytesOf,
      });
      return { webhooks: rows.map(webhookTo), nextPageToken };
    },

    async pause({ id, namespace, etag }) {
      const target = { id, namespace: theNamespace(namespace), etag };
      const paused = await changeWebhook(deps, target, (webhook) => {
        if (webhook.state === 'PAUSED') return undefined;
        return { webhook: { ...withoutReason(webhook), state: 'PAUSED' } };
      });
      return { webhook: webhookTo(paused) };
    },

    async resume({ id, namespace, etag }) {
      const target = { id, namespace: theNamespace(namespace), etag };
      const resumed = await changeWebhook(deps, target, (webhook, now) => {
        // Who resumes says that the destination is well: neither the breaker nor the days of failing count on.
        if (webhook.state === 'ACTIVE') {
          if (isHealthy(webhook.health)) return undefined;
          return { webhook: { ...webhook, health: HEALTHY }, resetHealth: true };
        }
        const cursor = resumeCursor(webhook.id, webhook.spec.schedule, webhook.cursor, now);
        return {
          webhook: { ...withoutReason(webhook), state: 'ACTIVE', cursor, health: HEALTHY },
          cursorFrom: webhook.cursor,
          resetHealth: true,
        };
      });
      return { webhook: webhookTo(resumed) };
    },

    async trigger({ id, namespace }, context) {
      const webhook = await getWebhook(store, { id, namespace: theNamespace(namespace) });
      if (webhook.state !== 'ACTIVE') {
        throw failedPrecondition('Webhook', id, `is ${webhook.state}; resume it first`);
      }
      const deliveryId = await trigger(webhook);
      note(context, { deliveryId });
      return { deliveryId };
    },
  };
}

function withoutReason({ stateReason: _, ...webhook }: Webhook): Webhook {
  return webhook;
}

/** The wire size of a webhook, about: what a caller can make long, and the rest. */
function bytesOf({ spec }: Webhook): number {
  const { headers, labels, payload, eventTypes, filter = '' } = spec;
  const pairs = [headers, labels, payload?.headerTemplates ?? {}].flatMap(Object.entries<string>);
  const texts = [spec.destination, filter, ...eventTypes, ...pairs.flat()];
  const body = payload?.body;
  const bodyBytes = body === undefined ? 0 : body.kind === 'data' ? body.data.length : textOf(body).length;
  return 500 + bodyBytes + texts.reduce((sum, text) => sum + text.length, 0);
}

function textOf(body: { kind: 'template'; source: string } | { kind: 'text'; text: string }): string {
  return body.kind === 'text' ? body.text : body.source;
}
