import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Publication } from '../../../src/store/intake.ts';
import { aPublication, T0, testId } from '../../support/store.ts';
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
      assert.equal(await store().getDelivery(waiting!.id), undefined);
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

    test('when its time is over the id is free, whether or not it was swept', async () => {
      const namespace = aNamespace();
      const first = named({ namespace, callerId: 'a' });
      await store().publish([first]);
      const last = named({ namespace, callerId: 'a', at: T0 + HOUR - 1 });
      assert.equal((await store().publish([last]))[0]?.kind, 'DUPLICATE');
      const next = named({ namespace, callerId: 'a', digest: 'other', at: T0 + HOUR });
      assert.equal((await store().publish([next]))[0]?.kind, 'PUBLISHED');
      const again = named({ namespace, callerId: 'a', digest: 'other', at: T0 + HOUR + 1 });
      assert.deepEqual(await store().publish([again]), [
        { kind: 'DUPLICATE', eventId: next.event.id, deliveries: 0 },
      ]);
      const [latest] = await store().getEvents([{ namespace, id: 'a' }]);
      assert.equal(latest?.id, next.event.id);
    });

    test('an id is remembered longer than anything is kept of its event, and then forgotten', async () => {
      const namespace = aNamespace();
      const first = named({ namespace, callerId: 'a' });
      await store().publish([first]);
      await sweepAll(store(), { now: T0 + HOUR - 1, finishedBefore: T0 + HOUR - 1 });
      const again = named({ namespace, callerId: 'a', at: T0 + HOUR - 1 });
      assert.equal((await store().publish([again]))[0]?.kind, 'DUPLICATE');
      await sweepAll(store(), { now: T0 + HOUR, finishedBefore: T0 + HOUR });
      assert.deepEqual(await store().getEvents([{ namespace, id: 'a' }]), [undefined]);
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
