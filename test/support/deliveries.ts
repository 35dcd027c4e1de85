/** Deliveries as the dispatcher holds them, and in a store, brought into a state as it would. */
import assert from 'node:assert/strict';
import type { Attempt } from '../../src/domain/delivery/attempt.ts';
import type { Transition, WaitingDelivery } from '../../src/domain/delivery/delivery.ts';
import type { Store } from '../../src/store/store.ts';
import { anAttempt, aPublication, T0 } from './store.ts';

export interface Fate {
  /** The event's. */
  readonly type?: string;
  readonly callerId?: string;
  readonly createdAt?: number;
  /** The status of the one attempt that was made; none was made without it. */
  readonly status?: number;
  readonly attempt?: Attempt;
  /** Where it went from there. It waits without it, unless there was an attempt with 2xx, which SUCCEEDED. */
  readonly to?: Transition;
}

/** One of the webhook `webhook` that was not tried yet. */
export function aWaitingDelivery(ord: number, dueAt = T0): WaitingDelivery {
  const ids = { id: `delivery-${ord}`, webhookId: 'webhook', eventId: `event-${ord}` };
  const counts = { attempts: 0, attemptsBefore: 0 };
  return { ord, ...ids, dueAt, firstDueAt: dueAt, ...counts, format: 'BODY', rendered: false };
}

/** Publishes an event to a webhook, lets its delivery come to this, and returns the delivery's id. */
export async function aDeliveryThat(store: Store, webhookId: string, fate: Fate = {}): Promise<string> {
  const { type = 'order.paid', callerId, createdAt = T0, status, to } = fate;
  const attempt = fate.attempt ?? (status === undefined ? undefined : anAttempt(1, status));
  const publication = aPublication([webhookId], {
    event: { type, createdAt, ...(callerId !== undefined && { callerId }) },
  });
  const [result] = await store.publish([publication]);
  assert.equal(result?.kind, 'PUBLISHED');
  const id = publication.deliveries[0]!.id;
  const transition = to ?? (status === 200 ? ({ to: 'SUCCEEDED' } as const) : undefined);
  if (transition !== undefined) await settle(store, webhookId, id, transition, attempt);
  return id;
}

/** Settles a delivery that waits. */
export async function settle(
  store: Store,
  webhookId: string,
  id: string,
  transition: Transition,
  attempt?: Attempt,
): Promise<void> {
  const delivery = await waitingDelivery(store, webhookId, id);
  const settlement = { delivery, transition, now: T0, ...(attempt !== undefined && { attempt }) };
  assert.deepEqual(await store.settle([settlement], []), ['SETTLED']);
}

/** A delivery that waits, as the dispatcher holds it. */
export async function waitingDelivery(store: Store, webhookId: string, id: string): Promise<WaitingDelivery> {
  const [lane] = await store.topUp([{ webhookId, limit: 10_000, ordered: true }]);
  return lane?.deliveries.find((each) => each.id === id) ?? assert.fail(`${id} does not wait`);
}
