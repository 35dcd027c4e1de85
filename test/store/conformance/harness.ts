import assert from 'node:assert/strict';
import { after, before } from 'node:test';
import type { Transition, WaitingDelivery } from '../../../src/domain/delivery/delivery.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { Settlement } from '../../../src/store/delivery-queue.ts';
import type { SweepQuery } from '../../../src/store/housekeeping.ts';
import type { StoreOptions } from '../../../src/store/open.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  anAttempt,
  aPublication,
  aWebhook,
  type PublicationOverrides,
  T0,
  type WebhookOverrides,
} from '../../support/store.ts';

/** A way to have stores of one kind. */
export interface Harness {
  readonly name: string;
  /** An empty store, with these bounds on how many deliveries may wait and how much is remembered of calls. */
  readonly open: (bounds?: Bounds) => Promise<Store>;
  /** Closes a store and opens what it left, where it leaves anything. */
  readonly reopen?: (store: Store, bounds?: Bounds) => Promise<Store>;
}

export type Bounds = Pick<
  StoreOptions,
  'waitingMax' | 'namespaceWaitingMax' | 'requestsMax' | 'requestBytesMax'
>;

/** A store for all tests of a suite, each of which keeps to a namespace of its own. */
export function useStore(harness: Harness): () => Store {
  let store: Store | undefined;
  before(async () => {
    store = await harness.open();
  });
  after(() => store?.close());
  return () => store!;
}

let namespaces = 0;

export function aNamespace(): string {
  return `tenant-${++namespaces}`;
}

/** Stores a webhook, in a namespace of its own unless told otherwise. */
export async function register(store: Store, overrides: WebhookOverrides = {}): Promise<Webhook> {
  const webhook = aWebhook({ namespace: aNamespace(), ...overrides });
  await store.createWebhooks([webhook]);
  return webhook;
}

/** Publishes `count` events to one webhook, and returns its waiting deliveries in order of arrival. */
export async function publishTo(
  store: Store,
  webhook: Webhook,
  count = 1,
  overrides: PublicationOverrides = {},
): Promise<readonly WaitingDelivery[]> {
  const batch = Array.from({ length: count }, () =>
    aPublication([webhook.id], {
      ...overrides,
      event: { namespace: webhook.namespace, ...overrides.event },
    }),
  );
  await store.publish(batch);
  const ids = new Set(batch.map(({ deliveries }) => deliveries[0]?.id));
  return (await waitingOf(store, webhook.id)).filter(({ id }) => ids.has(id));
}

/** Everything that waits in a lane, in order of arrival. */
export async function waitingOf(store: Store, webhookId: string): Promise<readonly WaitingDelivery[]> {
  const [lane] = await store.topUp([{ webhookId, limit: 10_000, ordered: true }]);
  return lane?.deliveries.toSorted((a, b) => a.ord - b.ord) ?? [];
}

/** Settles a delivery after one more attempt that was answered. */
export function settlement(
  delivery: WaitingDelivery,
  transition: Transition = { to: 'SUCCEEDED' },
  now = T0,
): Settlement {
  return { delivery, attempt: anAttempt(delivery.attempts + 1), transition, now };
}

/** More than any test needs: what goes on for longer has no end, and must fail instead of hanging. */
const ROUNDS_MAX = 1_000;

/** Sweeps until there is nothing left to do. Returns how many rows each sweep touched. */
export async function sweepAll(store: Store, query: Partial<SweepQuery> = {}): Promise<number[]> {
  const touched: number[] = [];
  do {
    touched.push(await store.sweep({ now: T0, finishedBefore: 0, payloadsBefore: 0, ...query }));
    assert.ok(touched.length < ROUNDS_MAX, 'sweeping has no end');
  } while (touched.at(-1)! > 0);
  return touched;
}

/** Reads page after page, each after the last of the page before, until one is empty. */
export async function everyPage<T>(read: (last: T | undefined) => Promise<T[]>): Promise<T[][]> {
  const pages: T[][] = [];
  let last: T | undefined;
  do {
    const page = await read(last);
    last = page.at(-1);
    if (page.length > 0) pages.push(page);
    assert.ok(pages.length < ROUNDS_MAX, 'the pages have no end');
  } while (last !== undefined);
  return pages;
}

/** Polls away what became visible so far. */
export async function forgetVisible(store: Store): Promise<void> {
  await store.pollWaiting();
  await store.pollWebhooks();
}
