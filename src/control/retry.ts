import type { Claim } from '../domain/claim.ts';
import type { Delivery } from '../domain/delivery/delivery.ts';
import { type DomainError, failedPrecondition, notFound } from '../domain/error.ts';
import { getWebhook } from './change.ts';
import type { Needs } from './deps.ts';

/** How many deliveries one call sends again at most; the proto file says so too. */
const RETRIES_MAX = 10_000;
/** How many of them are read, and ordered, at a time. */
const BATCH_ROWS = 500;

export type RetryDeps = Needs<
  'getWebhooks' | 'resolveWebhooks' | 'getDelivery' | 'listDeliveries' | 'retryDeliveries',
  'clock'
>;

export interface Retried {
  readonly count: number;
  /** Whether there are more, which the bound on one call left out. */
  readonly more: boolean;
}

/** The deliveries of one webhook that are to be sent again. */
export interface FailedOf {
  readonly namespace: string;
  /** Its id, or its uid. */
  readonly webhookId: string;
  /** Only those created at this time or later. */
  readonly since?: number;
  /** Those that wait for their next attempt, too. */
  readonly waiting: boolean;
}

/**
 * Sends one delivery again. Raises NOT_FOUND, and FAILED_PRECONDITION when it SUCCEEDED or its event's data
 * was erased. The same claim again sends nothing a second time.
 */
export async function retryDelivery(
  deps: RetryDeps,
  namespace: string,
  id: string,
  claim?: Claim,
): Promise<Retried> {
  const order = { namespace, id, now: deps.clock.now(), ...limitOf(claim) };
  const [result] = await deps.store.retryDeliveries([order]);
  if (result === 'SUCCEEDED') {
    const description = 'has SUCCEEDED; replay its event to send it once more';
    throw failedPrecondition('DELIVERY_SUCCEEDED', { type: 'Delivery', id, description });
  }
  if (result === 'GONE') throw await whyGone(deps, namespace, id);
  return { count: 1, more: false };
}

/**
 * Sends FAILED deliveries of a webhook again, oldest first, in batches, so that nothing else waits for
 * long; then, if asked to, those that wait for another attempt. Stops between two batches when the caller
 * is gone; what was done is done. The same claim again goes on with what is left; its count is of that. Raises
 * NOT_FOUND.
 */
export async function retryFailedOf(
  deps: RetryDeps,
  order: FailedOf,
  signal: AbortSignal,
  claim?: Claim,
): Promise<Retried> {
  const { store, clock } = deps;
  const { namespace, since, waiting } = order;
  const webhook = await getWebhook(deps, { id: order.webhookId, namespace });
  const query = {
    namespace,
    webhookId: webhook.id,
    ascending: true,
    ...(since !== undefined && { since }),
  } as const;
  const limit = limitOf(claim);
  let count = 0;

  /** Orders what is found, and is wanted. Returns whether there may be more. */
  async function retryAll(state: 'FAILED' | 'PENDING', isWanted: (delivery: Delivery) => boolean) {
    let after: string | undefined;
    for (;;) {
      const found = await store.listDeliveries({
        ...query,
        state,
        limit: BATCH_ROWS,
        ...(after !== undefined && { after }),
      });
      const wanted = found.filter(isWanted);
      const now = clock.now();
      const orders = wanted.slice(0, RETRIES_MAX - count).map(({ id }) => ({ namespace, id, now, ...limit }));
      const results = orders.length === 0 ? [] : await store.retryDeliveries(orders);
      count += results.filter((result) => result === 'RETRIED').length;
      if (orders.length < wanted.length || signal.aborted) return true;
      if (found.length < BATCH_ROWS) return false;
      after = found.at(-1)?.id;
    }
  }

  // What is due already waits for something else: for its turn, or for the webhook to be resumed.
  const begun = clock.now();
  const isRetry = ({ attemptCount, dueAt }: Delivery) => attemptCount > 0 && (dueAt ?? 0) > begun;
  const isLeft = ({ finishedAt = 0 }: Delivery) => finishedAt <= (limit.finishedBy ?? Infinity);
  let more = await retryAll('FAILED', isLeft);
  if (!more && waiting) more = await retryAll('PENDING', isRetry);
  return { count, more };
}

/** What was finished after a call began was sent again by it, if the call may have come so far before. */
function limitOf(claim: Claim | undefined): { readonly finishedBy?: number } {
  return claim?.resumed ? { finishedBy: claim.at } : {};
}

/** The store knows only that it cannot be; the caller is told why. */
async function whyGone({ store }: RetryDeps, namespace: string, id: string): Promise<DomainError> {
  const delivery = await store.getDelivery(id);
  if (delivery === undefined || delivery.namespace !== namespace) return notFound('Delivery', id);
  const [webhook] = await store.getWebhooks([delivery.webhookId]);
  if (webhook === undefined) return notFound('Webhook', delivery.webhookCallerId ?? delivery.webhookId);
  const description = "cannot be sent again: its event's data was erased";
  return failedPrecondition('EVENT_DATA_ERASED', { type: 'Delivery', id, description });
}
