import { DomainError, notFound } from '../domain/error.ts';
import type { Condition } from '../domain/listing/condition.ts';
import { clip } from '../domain/text.ts';
import { checkEtag } from '../domain/webhook/etag.ts';
import { type Webhook, webhookIdOf } from '../domain/webhook/webhook.ts';
import { findWebhooks } from './bulk-webhooks.ts';
import { contended, getWebhook, type Target, TRIES_MAX } from './change.ts';
import type { Needs } from './deps.ts';

/** Webhooks that one call removes; the answer names each. */
const REMOVED_MAX = 10_000;
/** Webhooks removed in one transaction. */
const BATCH = 100;
/** How many of several webhooks a message names. */
const NAMED_MAX = 10;
/** How much a message repeats of what they have in common. */
const DESCRIBED_LENGTH = 300;

export type RemoveDeps = Needs<
  'findWebhook' | 'resolveWebhooks' | 'scanWebhooks' | 'removeWebhooks',
  'clock'
>;

/** Which webhooks to remove: one, by its id or by its key; or all that have a name, or pass a condition. */
export type Removal = Which & {
  /** Say which, and remove none. */
  readonly validateOnly?: boolean;
};

type Which =
  | Target
  | {
      readonly namespace: string;
      readonly name: string;
      readonly destination: string;
      readonly etag?: string;
    }
  | {
      readonly namespace: string;
      readonly where: Condition | undefined;
      /** What they have in common, for messages. */
      readonly described: string;
      /** Also more than one. */
      readonly force: boolean;
    };

/**
 * Removes webhooks and returns their ids. Raises NOT_FOUND when there is none, ABORTED for a stale etag, and
 * FAILED_PRECONDITION when there are several and that is not forced, or too many. Stops between two batches when
 * the caller is gone.
 */
export function createRemove({ store, clock }: RemoveDeps) {
  return async (removal: Removal, signal: AbortSignal): Promise<string[]> => {
    const { validateOnly = false } = removal;
    if ('id' in removal) {
      return removeOne(() => getWebhook({ store }, removal), removal.etag, validateOnly);
    }
    if ('destination' in removal) return removeOne(() => find(removal), removal.etag, validateOnly);
    const { described, force } = removal;
    const all = await findWebhooks({ store }, removal, REMOVED_MAX, signal);
    if (all.length === 0) throw notFound('Webhook', described);
    if (validateOnly) return all.map(webhookIdOf);
    if (all.length > 1 && !force) throw several(all, described);
    return removeAll(all, described, signal);
  };

  async function removeOne(read: () => Promise<Webhook>, etag = '', validateOnly = false): Promise<string[]> {
    let id = '';
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const webhook = await read();
      id = webhookIdOf(webhook);
      checkEtag(webhook, etag);
      if (validateOnly) return [id];
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
  }: Extract<Which, { destination: string }>): Promise<Webhook> {
    const found = await store.findWebhook({ namespace, name, destination });
    if (found === undefined) throw notFound('Webhook', `${name} with destination ${destination}`);
    return found;
  }

  async function removeAll(
    all: readonly Pick<Webhook, 'id' | 'callerId'>[],
    described: string,
    signal: AbortSignal,
  ): Promise<string[]> {
    const removed: string[] = [];
    for (let i = 0; i < all.length; i += BATCH) {
      signal.throwIfAborted();
      const batch = all.slice(i, i + BATCH);
      const now = clock.now();
      const results = await store.removeWebhooks(batch.map(({ id }) => ({ id, now })));
      removed.push(...batch.filter((_, at) => results[at] === 'REMOVED').map(webhookIdOf));
    }
    if (removed.length === 0) throw notFound('Webhook', described);
    return removed;
  }
}

function several(all: readonly Pick<Webhook, 'id' | 'callerId'>[], described: string): DomainError {
  const ids = all.slice(0, NAMED_MAX).map(webhookIdOf).join(', ');
  // A filter can be long, and all of this goes into headers.
  const subject = clip(described.toWellFormed(), DESCRIBED_LENGTH);
  // A filter begins with a preposition, a name does not.
  const which = subject.startsWith('with ') ? subject : `named ${subject}`;
  const matching = `${all.length} webhooks ${which}: ${ids}${all.length > NAMED_MAX ? ', …' : ''}`;
  const message = `there are ${matching}; set force to remove all of them`;
  return new DomainError('SEVERAL_MATCHES', message, {
    metadata: { count: all.length },
    violations: [{ field: subject, description: `there are ${matching}` }],
  });
}
