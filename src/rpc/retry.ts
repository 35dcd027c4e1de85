import type { HandlerContext } from '@connectrpc/connect';
import type { RetryDeliveryRequest_FailedOf } from '../../gen/carillon/v1/delivery_pb.ts';
import { DomainError } from '../domain/error.ts';
import { getWebhook } from './change.ts';
import { fromTimestamp } from './convert-time.ts';
import type { ApiDeps } from './deps.ts';
import { notFound } from './errors.ts';
import { noProblems } from './problems.ts';

/** How many deliveries one call sends again at most; the proto file says so too. */
const RETRIES_MAX = 10_000;
/** How many of them are read, and ordered, at a time. */
const BATCH_ROWS = 500;

export interface RetryDeps {
  readonly store: Pick<
    ApiDeps['store'],
    'getWebhooks' | 'getDelivery' | 'listDeliveries' | 'retryDeliveries'
  >;
  readonly clock: ApiDeps['clock'];
}

export interface Retried {
  readonly count: number;
  readonly more: boolean;
}

/** Sends one delivery again. Raises NOT_FOUND and FAILED_PRECONDITION as the proto file says. */
export async function retryOne(deps: RetryDeps, namespace: string, id: string): Promise<Retried> {
  const { store, clock } = deps;
  const [result] = await store.retryDeliveries([{ namespace, id, now: clock.now() }]);
  if (result === 'SUCCEEDED') throw refused(id, 'has SUCCEEDED; replay its event to send it once more');
  if (result === 'GONE') throw await whyGone(deps, namespace, id);
  return { count: 1, more: false };
}

/**
 * Sends FAILED deliveries of a webhook again, oldest first, in batches, so that nothing else waits for
 * long. Stops between two batches when the caller is gone; what was done is done.
 */
export async function retryFailedOf(
  { store, clock }: RetryDeps,
  namespace: string,
  { webhookId, startTime }: RetryDeliveryRequest_FailedOf,
  { signal }: Pick<HandlerContext, 'signal'>,
): Promise<Retried> {
  const problems = noProblems();
  const since = startTime && fromTimestamp(startTime, 'failed_of.start_time', problems);
  problems.raise();
  await getWebhook(store, { id: webhookId, namespace });
  const query = { namespace, webhookId, state: 'FAILED', ascending: true } as const;
  let count = 0;
  let after: string | undefined;
  for (;;) {
    // When as many as may be are ordered, one more tells whether there are more.
    const limit = Math.max(1, Math.min(BATCH_ROWS, RETRIES_MAX - count));
    const found = await store.listDeliveries({
      ...query,
      limit,
      ...(after !== undefined && { after }),
      ...(since !== undefined && { since }),
    });
    if (count === RETRIES_MAX) return { count, more: found.length > 0 };
    if (found.length === 0) return { count, more: false };
    const now = clock.now();
    const results = await store.retryDeliveries(found.map(({ id }) => ({ namespace, id, now })));
    count += results.filter((result) => result === 'RETRIED').length;
    if (found.length < limit || signal.aborted) return { count, more: signal.aborted };
    after = found.at(-1)?.id;
  }
}

/** The store knows only that it cannot be; the caller is told why. */
async function whyGone({ store }: RetryDeps, namespace: string, id: string): Promise<Error> {
  const delivery = await store.getDelivery(id);
  if (delivery === undefined || delivery.namespace !== namespace) return notFound('Delivery', id);
  const [webhook] = await store.getWebhooks([delivery.webhookId]);
  if (webhook === undefined) return notFound('Webhook', delivery.webhookId);
  return refused(id, "cannot be sent again: its event's data was erased");
}

function refused(id: string, description: string): DomainError {
  return new DomainError('FAILED_PRECONDITION', `delivery ${id} ${description}`, [
    { field: id, description },
  ]);
}
