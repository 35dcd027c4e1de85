import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Event } from '../../../src/domain/event/event.ts';
import type { EventQuery } from '../../../src/store/delivery-log.ts';
import type { Publication } from '../../../src/store/intake.ts';
import { aPublication, T0, testId } from '../../support/store.ts';
import {
  aNamespace,
  everyPage,
  type Harness,
  register,
  settlement,
  sweepAll,
  useStore,
  waitingOf,
} from './harness.ts';

export function events(harness: Harness): void {
  describe(`${harness.name}: reading events`, () => {
    const store = useStore(harness);

    test('an event is read by its own id, or by the one that its caller gave it', async () => {
      const namespace = aNamespace();
      const mine = aPublication([], {
        event: { namespace, source: '/s', subject: 'x', headers: { a: 'b' }, extensions: { trace: 'ü' } },
      });
      const named = aPublication([], { event: { namespace, callerId: 'order-1' } });
      await store().publish([mine, named]);
      const found = await store().getEvents([
        { namespace, id: 'order-1' },
        { namespace, id: mine.event.id },
        { namespace, id: named.event.id },
        { namespace: aNamespace(), id: 'order-1' },
        { namespace, id: testId('event') },
      ]);
      const read = ({ event }: Publication) => ({ ...event, purged: false, deliveryCount: 0 });
      assert.deepEqual(found, [read(named), read(mine), undefined, undefined, undefined]);
    });

    test('the id that readers see leads to the one that is ours', async () => {
      const namespace = aNamespace();
      const mine = aPublication([], { event: { namespace } });
      const named = aPublication([], { event: { namespace, callerId: 'order-1' } });
      await store().publish([mine, named]);
      const found = await store().resolveEvents([
        { namespace, id: 'order-1' },
        { namespace, id: mine.event.id },
        { namespace, id: named.event.id },
        { namespace: aNamespace(), id: 'order-1' },
        { namespace: aNamespace(), id: mine.event.id },
        { namespace, id: 'order-2' },
      ]);
      const [other, ...none] = [undefined, undefined, undefined];
      assert.deepEqual(found, [named.event.id, mine.event.id, other, ...none, undefined]);
    });

    test('the number of its deliveries is of those that are kept', async () => {
      const one = await register(store());
      const two = await register(store(), { namespace: one.namespace });
      const { namespace } = one;
      const publication = aPublication([one.id, two.id], { event: { namespace } });
      await store().publish([publication]);
      const count = async () =>
        (await store().getEvents([{ namespace, id: publication.event.id }]))[0]?.deliveryCount;
      const [waiting] = await waitingOf(store(), one.id);
      await store().settle([settlement(waiting!, undefined, T0)], []);
      assert.equal(await count(), 2);
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      assert.equal(await count(), 1);
    });
  });

  describe(`${harness.name}: listing events`, () => {
    const store = useStore(harness);

    async function idsOf(query: Omit<EventQuery, 'limit'> & { limit?: number }): Promise<string[]> {
      return (await store().listEvents({ limit: 1_000, ...query })).map(({ id }) => id);
    }

    /** Publishes events of one namespace, and returns them oldest first. */
    async function publish(...each: Partial<Event>[]): Promise<{ namespace: string; all: Event[] }> {
      const namespace = aNamespace();
      const batch = each.map((event) => aPublication([], { event: { namespace, ...event } }));
      await store().publish(batch);
      return { namespace, all: batch.map(({ event }) => event) };
    }

    const ids = (found: readonly (Event | undefined)[]) => found.map((event) => event?.id);

    test('events come newest first, without their bodies, and those of others do not', async () => {
      const { namespace, all } = await publish({ type: 'a' }, { type: 'b', callerId: 'x' }, { type: 'a' });
      await publish({});
      const expected = all.map((event) => ({
        ...event,
        body: new Uint8Array(),
        purged: false,
        deliveryCount: 0,
      }));
      assert.deepEqual(await store().listEvents({ namespace, limit: 10 }), expected.reverse());
      assert.deepEqual(await idsOf({ namespace: aNamespace() }), []);
    });

    test('pages of any size follow each other without gap or repetition, both ways', async () => {
      const { namespace, all } = await publish(
        ...Array.from({ length: 9 }, (_, i) => ({ type: `t${i % 4}` })),
      );
      for (const ascending of [false, true]) {
        const expected = ascending ? ids(all) : ids(all).reverse();
        for (const limit of [1, 2, 4, 9]) {
          const pages = await everyPage<string>((last) => {
            const from = last === undefined ? {} : ascending ? { after: last } : { before: last };
            return idsOf({ namespace, limit, ascending, ...from });
          });
          assert.deepEqual(pages.flat(), expected, `limit ${limit}`);
        }
      }
    });

    test('events of one type, or of types that begin alike, are listed alone', async () => {
      const types = ['order.paid', 'order', 'orders.paid', 'order.sent', 'order.paid.twice', 'a'];
      const { namespace, all } = await publish(...types.map((type) => ({ type })));
      const [paid, , , sent, twice] = all;
      assert.deepEqual(await idsOf({ namespace, type: { exact: 'order.paid' } }), ids([paid]));
      assert.deepEqual(await idsOf({ namespace, type: { prefix: 'order.' } }), ids([twice, sent, paid]));
      assert.deepEqual(await idsOf({ namespace, type: { exact: 'x' } }), []);
      assert.deepEqual(
        await idsOf({ namespace, type: { prefix: 'order.' }, limit: 1, before: twice!.id }),
        ids([sent]),
      );
    });

    test('events of a time are listed alone, its beginning included and its end not', async () => {
      const { namespace, all } = await publish(
        ...[T0, T0 + 1, T0 + 2, T0 + 3].map((createdAt) => ({ createdAt })),
      );
      const [first, second, third, last] = all;
      assert.deepEqual(await idsOf({ namespace, since: T0 + 1 }), ids([last, third, second]));
      assert.deepEqual(await idsOf({ namespace, until: T0 + 1 }), ids([first]));
      assert.deepEqual(
        await idsOf({ namespace, since: T0 + 1, until: T0 + 3, ascending: true }),
        ids([second, third]),
      );
    });

    test('an event whose data was erased is listed as such', async () => {
      const { namespace, all } = await publish({}, {});
      await store().purgeEvents([{ namespace, id: all[0]!.id }]);
      const found = await store().listEvents({ namespace, limit: 10 });
      assert.deepEqual(
        found.map(({ id, purged }) => [id, purged]),
        [
          [all[1]!.id, false],
          [all[0]!.id, true],
        ],
      );
    });
  });
}
