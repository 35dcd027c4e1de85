import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type RemoveRequest,
  type RemoveResponse,
  RemoveResponseSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { DomainError, notFound } from '../../domain/error.ts';
import type { Webhook } from '../../domain/webhook/webhook.ts';
import { checkEtag } from '../convert/etag.ts';
import type { ApiDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { CHUNK_ROWS } from '../page.ts';
import { invalidRequest } from '../problems.ts';
import { contended, getWebhook, TRIES_MAX } from './change.ts';

/** Webhooks with one name that one call removes; the answer names each. */
const REMOVED_MAX = 10_000;
/** Webhooks removed in one transaction. */
const BATCH = 100;

export type RemoveDeps = Pick<ApiDeps, 'clock'> & {
  readonly store: Pick<ApiDeps['store'], 'findWebhook' | 'getWebhooks' | 'listWebhooks' | 'removeWebhooks'>;
};

/** Remove: one webhook by its id, or by its name and destination; or all that have a name. */
export function removal({ store, clock }: RemoveDeps) {
  return async (request: RemoveRequest, context: HandlerContext): Promise<RemoveResponse> => {
    const namespace = theNamespace(request.namespace);
    const { id, name, destination, etag } = request;
    if (id !== '') return answer(await removeOne(() => getWebhook(store, { id, namespace }), etag));
    if (destination !== '')
      return answer(await removeOne(() => find({ namespace, name, destination }), etag));
    if (etag !== '') {
      const description = 'goes with an id, or with a name and a destination, since it is of one webhook';
      throw invalidRequest([{ field: 'etag', description }]);
    }
    return answer(await removeAll(await idsOf(namespace, name, context.signal), name, context.signal));
  };

  async function removeOne(read: () => Promise<Webhook>, etag: string): Promise<string[]> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const webhook = await read();
      checkEtag(webhook, etag);
      const fence = etag === '' ? {} : { ifVersion: webhook.version };
      const [result] = await store.removeWebhooks([{ id: webhook.id, now: clock.now(), ...fence }]);
      if (result === 'REMOVED') return [webhook.id];
    }
    throw contended('the webhook');
  }

  async function find(key: { namespace: string; name: string; destination: string }): Promise<Webhook> {
    const found = await store.findWebhook(key);
    if (found === undefined) throw notFound('Webhook', `${key.name} with destination ${key.destination}`);
    return found;
  }

  async function idsOf(namespace: string, name: string, signal: AbortSignal): Promise<string[]> {
    const ids: string[] = [];
    for (;;) {
      signal.throwIfAborted();
      const after = ids.at(-1);
      const found = await store.listWebhooks({
        namespace,
        name,
        limit: CHUNK_ROWS,
        ...(after !== undefined && { after }),
      });
      for (const webhook of found) ids.push(webhook.id);
      if (ids.length > REMOVED_MAX) {
        throw new DomainError(
          'FAILED_PRECONDITION',
          `more than ${REMOVED_MAX} webhooks have the name ${JSON.stringify(name)}; remove them by name and destination`,
        );
      }
      if (found.length < CHUNK_ROWS) return ids;
    }
  }

  async function removeAll(ids: readonly string[], name: string, signal: AbortSignal): Promise<string[]> {
    const removed: string[] = [];
    for (let i = 0; i < ids.length; i += BATCH) {
      signal.throwIfAborted();
      const batch = ids.slice(i, i + BATCH);
      const now = clock.now();
      const results = await store.removeWebhooks(batch.map((id) => ({ id, now })));
      removed.push(...batch.filter((_, at) => results[at] === 'REMOVED'));
    }
    if (removed.length === 0) throw notFound('Webhook', name);
    return removed;
  }
}

function answer(ids: string[]): RemoveResponse {
  return create(RemoveResponseSchema, { ids });
}
