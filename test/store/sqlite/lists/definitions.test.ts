import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { DeliveryState, Transition } from '../../../../src/domain/delivery/delivery.ts';
import type { DeliveryQuery } from '../../../../src/store/delivery-log.ts';
import type { Publication } from '../../../../src/store/intake.ts';
import { BUCKET_ROWS } from '../../../../src/store/sqlite/lists/catalog.ts';
import type { Store } from '../../../../src/store/store.ts';
import { aPublication, aWebhook, openMemoryStore, T0 } from '../../../support/store.ts';

/** More than fit in a bucket, so that lists are made of several and of what is in none yet. */
const EVENTS = BUCKET_ROWS + 7_000;
const BATCH = 1_000;
const TYPES = ['a.one', 'a.two', 'b', 'seldom'];
const ENDS: readonly Transition[] = [
  { to: 'SUCCEEDED' },
  { to: 'FAILED', reason: 'EXHAUSTED' },
  { to: 'CANCELLED', reason: 'REQUESTED' },
];

interface Made {
  readonly publication: Publication;
  readonly deliveryId: string;
  readonly webhookId: string;
  readonly type: string;
  readonly createdAt: number;
  state: DeliveryState;
}

describe('lists of more than a bucket', () => {
  let store: Store;
  /** Newest first. */
  let made: Made[] = [];
  const webhooks = [aWebhook(), aWebhook(), aWebhook()];

  before(async () => {
    store = await openMemoryStore();
    await store.createWebhooks(webhooks);
    for (let n = 0; n < EVENTS; n += BATCH) await publish(n);
    made.reverse();
  });
  after(() => store.close());

  /** Publishes a batch of events and settles nearly all: what is left waits for long. */
  async function publish(from: number): Promise<void> {
    const batch = Array.from({ length: BATCH }, (_, i): Made => {
      const n = from + i;
      const type = n % 5_000 === 17 ? TYPES[3]! : TYPES[n % 3]!;
      const webhookId = webhooks[n % 100 === 0 ? 2 : n % 2]!.id;
      const publication = aPublication([webhookId], { event: { type, createdAt: T0 + n } });
      const deliveryId = publication.deliveries[0]!.id;
      return { publication, deliveryId, webhookId, type, createdAt: T0 + n, state: 'PENDING' };
    });
    await store.publish(batch.map(({ publication }) => publication));
    const { deliveries } = await store.pollWaiting();
    const settled = deliveries.filter(({ ord }) => ord % 49 !== 0);
    const ends = settled.map(({ ord }) => ENDS[ord % 11 === 0 ? 1 + (Math.floor(ord / 22) % 2) : 0]!);
    await store.settle(
      settled.map((delivery, i) => ({ delivery, transition: ends[i]!, now: T0 })),
      [],
    );
    const states = new Map(settled.map(({ id }, i) => [id, ends[i]!.to]));
    for (const each of batch) each.state = states.get(each.deliveryId) ?? 'PENDING';
    made.push(...batch);
  }

  async function isListed(
    filter: Omit<DeliveryQuery, 'namespace' | 'limit'>,
    isAskedFor: (each: Made) => boolean,
  ): Promise<void> {
    const expected = made.filter(isAskedFor).map(({ deliveryId }) => deliveryId);
    assert.ok(expected.length > 0, 'nothing to list');
    const limit = expected.length + 1;
    const list = async (more: Partial<DeliveryQuery>) =>
      (await store.listDeliveries({ namespace: 'default', limit, ...filter, ...more })).map(({ id }) => id);
    assert.deepEqual(await list({}), expected);
    assert.deepEqual(await list({ ascending: true }), expected.toReversed());
    const index = Math.floor(expected.length / 2);
    const middle = expected[index]!;
    assert.deepEqual(await list({ before: middle, limit: 20 }), expected.slice(index + 1, index + 21));
    const later = expected.slice(Math.max(0, index - 20), index).toReversed();
    assert.deepEqual(await list({ after: middle, ascending: true, limit: 20 }), later);
  }

  const since = T0 + 20_000;
  const until = T0 + BUCKET_ROWS + 2_000;
  const [one, , few] = webhooks;

  test('of all', () => isListed({}, () => true));
  test('of a webhook', () => isListed({ webhookId: one!.id }, ({ webhookId }) => webhookId === one!.id));
  test('of a webhook with few', () =>
    isListed({ webhookId: few!.id }, ({ webhookId }) => webhookId === few!.id));
  test('of a type', () => isListed({ eventType: { exact: 'b' } }, ({ type }) => type === 'b'));
  test('of a type that is seldom', () =>
    isListed({ eventType: { exact: 'seldom' } }, ({ type }) => type === 'seldom'));
  test('of types that begin alike, for a webhook', () =>
    isListed(
      { webhookId: one!.id, eventType: { prefix: 'a.' } },
      ({ webhookId, type }) => webhookId === one!.id && type.startsWith('a.'),
    ));
  test('of a time', () =>
    isListed({ since, until }, ({ createdAt }) => createdAt >= since && createdAt < until));
  for (const state of ['PENDING', 'SUCCEEDED', 'FAILED', 'CANCELLED'] as const) {
    test(`of what is ${state}`, () => isListed({ state }, (each) => each.state === state));
    test(`of what is ${state} of a webhook, in a time`, () =>
      isListed(
        { state, webhookId: one!.id, since },
        (each) => each.state === state && each.webhookId === one!.id && each.createdAt >= since,
      ));
  }

  test('events, of all types and of one, of all time and of some', async () => {
    const list = async (query: object) =>
      (await store.listEvents({ namespace: 'default', limit: EVENTS * 2, ...query })).map(({ id }) => id);
    const ids = (isAskedFor: (each: Made) => boolean) =>
      made.filter(isAskedFor).map(({ publication }) => publication.event.id);
    const all = ids(() => true);
    assert.deepEqual(await list({}), all);
    assert.deepEqual(await list({ ascending: true }), all.toReversed());
    assert.deepEqual(
      await list({ type: { exact: 'seldom' } }),
      ids(({ type }) => type === 'seldom'),
    );
    assert.deepEqual(
      await list({ type: { prefix: 'a.' }, since, until }),
      ids(({ type, createdAt }) => type.startsWith('a.') && createdAt >= since && createdAt < until),
    );
  });

  test('what waited for long leaves the list of what waits when it is settled', async () => {
    const lanes = await store.topUp(webhooks.map(({ id }) => ({ webhookId: id, limit: 10, ordered: false })));
    const oldest = lanes.flatMap(({ deliveries }) => deliveries);
    await store.settle(
      oldest.map((delivery) => ({ delivery, transition: { to: 'SUCCEEDED' }, now: T0 })),
      [],
    );
    const settled = new Set(oldest.map(({ id }) => id));
    for (const each of made) if (settled.has(each.deliveryId)) each.state = 'SUCCEEDED';
    await isListed({ state: 'PENDING' }, ({ state }) => state === 'PENDING');
    await isListed({ state: 'SUCCEEDED' }, ({ state }) => state === 'SUCCEEDED');
  });

  test('what is swept leaves all lists, and the data of what is older than its bound is erased', async () => {
    const payloadsBefore = T0 + 3_000;
    const sweep = async (finishedBefore: number) => {
      while ((await store.sweep({ now: T0, finishedBefore, payloadsBefore })) > 0);
    };
    await sweep(T0);
    const events = await store.listEvents({ namespace: 'default', limit: EVENTS * 2 });
    const waits = new Set(
      made.filter(({ state }) => state === 'PENDING').map(({ publication }) => publication.event.id),
    );
    assert.deepEqual(
      events.filter(({ purged }) => purged).map(({ id }) => id),
      events.filter(({ id, createdAt }) => createdAt < payloadsBefore && !waits.has(id)).map(({ id }) => id),
    );

    await sweep(T0 + 1);
    made = made.filter(({ state }) => state === 'PENDING');
    await isListed({}, () => true);
    await isListed({ webhookId: one!.id }, ({ webhookId }) => webhookId === one!.id);
    await isListed({ eventType: { exact: 'b' } }, ({ type }) => type === 'b');
    const kept = await store.listEvents({ namespace: 'default', limit: EVENTS });
    assert.deepEqual(
      kept.map(({ id }) => id),
      made.map(({ publication }) => publication.event.id),
    );
  });
});
