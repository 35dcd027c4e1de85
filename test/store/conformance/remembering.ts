import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SWEEP_BATCH } from '../../../src/store/housekeeping.ts';
import type { Publication } from '../../../src/store/intake.ts';
import { aPublication, keyOf, T0, testId } from '../../support/store.ts';
import { aNamespace, type Harness, register, settlement, sweepAll, useStore, waitingOf } from './harness.ts';

const HOUR = 3_600_000;

interface Named {
  readonly namespace: string;
  readonly callerId: string;
  readonly digest?: string;
  readonly at?: number;
  readonly to?: readonly string[];
}

/** An event that its caller named, remembered for an hour. */
function named({ namespace, callerId, digest = 'same', at = T0, to = [] }: Named): Publication {
  const event = { namespace, callerId, createdAt: at };
  return aPublication(to, { event, remember: { digest, until: at + HOUR } });
}

export function remembering(harness: Harness): void {
  describe(`${harness.name}: remembering what callers named their events`, () => {
    const store = useStore(harness);

    test('the same id with the same content is the first event, with its deliveries then', async () => {
      const { id, namespace } = await register(store());
      const first = named({ namespace, callerId: 'a', to: [id] });
      const again = named({ namespace, callerId: 'a', to: [id, id], at: T0 + 1 });
      const known = { kind: 'DUPLICATE', eventId: first.event.id, deliveries: 1 };
      assert.deepEqual(await store().publish([first]), [{ kind: 'PUBLISHED', deliveries: 1 }]);
      assert.deepEqual(await store().publish([again]), [known]);
      assert.equal((await waitingOf(store(), id)).length, 1);
      assert.deepEqual(await store().getEventBodies([again.event.id]), [undefined]);

      const [waiting] = await waitingOf(store(), id);
      await store().settle([settlement(waiting!, undefined, T0)], []);
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      assert.equal(await store().getDelivery(keyOf(waiting!.id)), undefined);
      assert.deepEqual(await store().publish([again]), [known], 'also when its deliveries are gone');
    });

    test('the same id with other content is a conflict, and changes nothing', async () => {
      const { id, namespace } = await register(store());
      const first = named({ namespace, callerId: 'a' });
      const other = named({ namespace, callerId: 'a', digest: 'other', to: [id] });
      await store().publish([first]);
      assert.deepEqual(await store().publish([other]), [{ kind: 'CONFLICT' }]);
      assert.deepEqual(await waitingOf(store(), id), []);
      const [kept] = await store().getEvents([{ namespace, id: 'a' }]);
      assert.equal(kept?.id, first.event.id);
      assert.deepEqual(await store().publish([named({ namespace, callerId: 'a' })]), [
        { kind: 'DUPLICATE', eventId: first.event.id, deliveries: 0 },
      ]);
    });

    test('the same id twice in a batch is one event', async () => {
      const namespace = aNamespace();
      const [first, again] = [named({ namespace, callerId: 'a' }), named({ namespace, callerId: 'a' })];
      const other = named({ namespace, callerId: 'a', digest: 'other' });
      assert.deepEqual(await store().publish([first, again, other]), [
        { kind: 'PUBLISHED', deliveries: 0 },
        { kind: 'DUPLICATE', eventId: first.event.id, deliveries: 0 },
        { kind: 'CONFLICT' },
      ]);
    });

    test('ids of different namespaces have nothing to do with each other', async () => {
      const batch = [aNamespace(), aNamespace()].map((namespace) => named({ namespace, callerId: 'a' }));
      assert.deepEqual(
        (await store().publish(batch)).map(({ kind }) => kind),
        ['PUBLISHED', 'PUBLISHED'],
      );
    });

    test('an event without an id of its caller is never known', async () => {
      const namespace = aNamespace();
      const batch = [aPublication([], { event: { namespace } }), aPublication([], { event: { namespace } })];
      assert.deepEqual(
        (await store().publish(batch)).map(({ kind }) => kind),
        ['PUBLISHED', 'PUBLISHED'],
      );
    });

    test('the id names its event for as long as that is kept, also when its time is over', async () => {
      const namespace = aNamespace();
      const first = named({ namespace, callerId: 'a' });
      await store().publish([first]);
      for (const at of [T0 + HOUR - 1, T0 + HOUR, T0 + 1_000 * HOUR]) {
        const again = named({ namespace, callerId: 'a', at });
        const other = named({ namespace, callerId: 'a', digest: 'other', at });
        assert.deepEqual(await store().publish([again, other]), [
          { kind: 'DUPLICATE', eventId: first.event.id, deliveries: 0 },
          { kind: 'CONFLICT' },
        ]);
        await sweepAll(store(), { now: at });
      }
      const [kept] = await store().getEvents([{ namespace, id: 'a' }]);
      assert.equal(kept?.id, first.event.id);
    });

    test('when its event is gone and its time is over the id is free, whether or not it was swept', async () => {
      for (const isSwept of [false, true]) {
        const namespace = aNamespace();
        const first = named({ namespace, callerId: 'a' });
        await store().publish([first]);
        await sweepAll(store(), { now: T0 + HOUR - 1, finishedBefore: T0 + 1 });
        if (isSwept) await sweepAll(store(), { now: T0 + HOUR });
        const at = T0 + HOUR;
        const next = named({ namespace, callerId: 'a', digest: 'other', at });
        assert.deepEqual(await store().publish([next]), [{ kind: 'PUBLISHED', deliveries: 0 }]);
        const again = named({ namespace, callerId: 'a', digest: 'other', at: at + 1 });
        assert.deepEqual(await store().publish([again]), [
          { kind: 'DUPLICATE', eventId: next.event.id, deliveries: 0 },
        ]);
        const [found] = await store().getEvents([{ namespace, id: 'a' }]);
        assert.equal(found?.id, next.event.id);
        await sweepAll(store(), { now: at });
        assert.deepEqual(await store().resolveEvents([{ namespace, id: 'a' }]), [next.event.id]);
      }
    });

    test('an id is remembered longer than anything is kept of its event, and then forgotten', async () => {
      const { id, namespace } = await register(store());
      const first = named({ namespace, callerId: 'a', to: [id] });
      await store().publish([first]);
      const [waiting] = await waitingOf(store(), id);
      await store().settle([settlement(waiting!, undefined, T0)], []);
      await sweepAll(store(), { now: T0 + HOUR - 1, finishedBefore: T0 + HOUR - 1 });
      assert.deepEqual(await store().getEvents([{ namespace, id: 'a' }]), [undefined]);
      assert.deepEqual(await store().getEventBodies([first.event.id]), [undefined]);
      const again = named({ namespace, callerId: 'a', to: [id], at: T0 + HOUR - 1 });
      const other = named({ namespace, callerId: 'a', digest: 'other', at: T0 + HOUR - 1 });
      assert.deepEqual(await store().publish([again, other]), [
        { kind: 'DUPLICATE', eventId: first.event.id, deliveries: 1 },
        { kind: 'CONFLICT' },
      ]);
      assert.deepEqual(await sweepAll(store(), { now: T0 + HOUR }), [1, 0]);
    });

    test('an id is forgotten with its event where its time is over by then', async () => {
      const namespace = aNamespace();
      await store().publish([named({ namespace, callerId: 'a' })]);
      assert.deepEqual(await sweepAll(store(), { now: T0 + HOUR, finishedBefore: T0 + 1 }), [1, 0]);
      assert.equal((await store().publish([named({ namespace, callerId: 'a' })]))[0]?.kind, 'PUBLISHED');
    });

    test('many are forgotten in small batches, and nothing more is left to do after a 0', async () => {
      const later = T0 + 10_000 * HOUR;
      await sweepAll(store(), { now: later, finishedBefore: later });
      const namespace = aNamespace();
      const count = 2 * SWEEP_BATCH + 1;
      await store().publish(Array.from({ length: count }, (_, i) => named({ namespace, callerId: `${i}` })));
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      const touched = await sweepAll(store(), { now: T0 + HOUR });
      assert.deepEqual(touched, [SWEEP_BATCH, SWEEP_BATCH, 1, 0]);
    });

    test('what names an event without saying how it is remembered is a mistake, and the other way round', async () => {
      const namespace = aNamespace();
      const { remember, ...without } = named({ namespace, callerId: 'a' });
      const nameless = { ...aPublication([], { event: { namespace } }), remember: remember! };
      for (const mistake of [without, nameless]) {
        await assert.rejects(store().publish([mistake]), /nothing to remember it by/);
      }
    });

    test('of many callers with the same id one publishes, and all learn of the same event', async () => {
      const { id, namespace } = await register(store());
      const results = await Promise.all(
        Array.from({ length: 64 }, () => store().publish([named({ namespace, callerId: 'a', to: [id] })])),
      );
      const kinds = results.flat().map(({ kind }) => kind);
      assert.equal(kinds.filter((kind) => kind === 'PUBLISHED').length, 1);
      const ids = results.flat().flatMap((result) => (result.kind === 'DUPLICATE' ? [result.eventId] : []));
      assert.equal(ids.length, 63);
      const [waiting, ...others] = await waitingOf(store(), id);
      assert.deepEqual(others, []);
      assert.deepEqual(new Set(ids), new Set([waiting?.eventId]));
    });

    const { reopen } = harness;
    if (reopen) {
      test('ids are remembered when the store is opened again', async () => {
        const first = named({ namespace: 'one', callerId: testId('event') });
        let opened = await harness.open();
        await opened.publish([first]);
        opened = await reopen(opened);
        assert.deepEqual(await opened.publish([first]), [
          { kind: 'DUPLICATE', eventId: first.event.id, deliveries: 0 },
        ]);
        await opened.close();
      });
    }
  });
}
