import { DomainError, notFound } from '../domain/error.ts';
import { checkEtag } from '../domain/webhook/etag.ts';
import { type Webhook, webhookIdOf } from '../domain/webhook/webhook.ts';
import { contended, getWebhook, type Target, TRIES_MAX } from './change.ts';
import type { Needs } from './deps.ts';

/** Webhooks with one name that one call removes; the answer names each. */
const REMOVED_MAX = 10_000;
/** Webhooks removed in one transaction. */
const BATCH = 100;
/** Webhooks read at a time, since each may hold a payload of 1 MiB. */
const READ_MAX = 25;

export type RemoveDeps = Needs<
  'findWebhook' | 'resolveWebhooks' | 'listWebhooks' | 'removeWebhooks',
  'clock'
>;

/** Which webhooks to remove: one, by its id or by its key; or all that have a name. */
export type Removal =
  | Target
  | {
      readonly namespace: string;
      readonly name: string;
      readonly destination: string;
      readonly etag?: string;
    }
  | { readonly namespace: string; readonly name: string };

/**
 * Removes webhooks and returns their ids. Raises NOT_FOUND when there is none, ABORTED for a stale etag, and
 * FAILED_PRECONDITION when too many have the name. Stops between two batches when the caller is gone.
 */
export function createRemove({ store, clock }: RemoveDeps) {
  return async (removal: Removal, signal: AbortSignal): Promise<string[]> => {
    if ('id' in removal) return removeOne(() => getWebhook({ store }, removal), removal.etag);
    if ('destination' in removal) return removeOne(() => find(removal), removal.etag);
    return removeAll(await allOf(removal, signal), removal.name, signal);
  };

  async function removeOne(read: () => Promise<Webhook>, etag = ''): Promise<string[]> {
    let id = '';
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const webhook = await read();
      id = webhookIdOf(webhook);
      checkEtag(webhook, etag);
      const fence = etag === '' ? {} : { ifVersion: webhook.version };
      const [result] = await store.removeWebhooks([{ id: webhook.id, now: clock.now(), ...fence }]);
      if (result === 'REMOVED') return [id];
    }
    throw contended(id);
  }

  async function find({
    namespace,
    name,
    destination,
  }: Extract<Removal, { destination: string }>): Promise<Webhook> {
    const found = await store.findWebhook({ namespace, name, destination });
    if (found === undefined) throw notFound('Webhook', `${name} with destination ${destination}`);
    return found;
  }

  async function allOf(
    { namespace, name }: { namespace: string; name: string },
    signal: AbortSignal,
  ): Promise<Webhook[]> {
    const all: Webhook[] = [];
    for (;;) {
      signal.throwIfAborted();
      const after = all.at(-1)?.id;
      const found = await store.listWebhooks({
        namespace,
        name,
        limit: READ_MAX,
        ...(after !== undefined && { after }),
      });
      all.push(...found);
      if (all.length > REMOVED_MAX) {
        throw new DomainError(
          'TOO_MANY_MATCHES',
          `more than ${REMOVED_MAX} webhooks have the name ${JSON.stringify(name)}; remove them by name and destination`,
          { metadata: { max: REMOVED_MAX } },
        );
      }
      if (found.length < READ_MAX) return all;
    }
  }

  async function removeAll(all: readonly Webhook[], name: string, signal: AbortSignal): Promise<string[]> {
    const removed: string[] = [];
    for (let i = 0; i < all.length; i += BATCH) {
      signal.throwIfAborted();
      const batch = all.slice(i, i + BATCH);
      const now = clock.now();
      const results = await store.removeWebhooks(batch.map(({ id }) => ({ id, now })));
      removed.push(...batch.filter((_, at) => results[at] === 'REMOVED').map(webhookIdOf));
    }
    if (removed.length === 0) throw notFound('Webhook', name);
    return removed;
  }
}
