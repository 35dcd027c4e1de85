import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { DeliveryChange } from '../../../src/domain/delivery/delivery.ts';
import { SWEEP_BATCH } from '../../../src/store/housekeeping.ts';
import { anAttempt, aPublication, keyOf, T0 } from '../../support/store.ts';
import {
  aNamespace,
  type Harness,
  publishTo,
  register,
  settlement,
  sweepAll,
  useStore,
  waitingOf,
} from './harness.ts';

/** `anAttempt` as it is shown of a change. */
function shown(number: number, status = 200) {
  const { outcome, ...attempt } = anAttempt(number, status);
  return { ...attempt, outcome: { ...outcome, body: new Uint8Array() } };
}

export function changes(harness: Harness): void {
  describe(`${harness.name}: what happened to deliveries`, () => {
    const store = useStore(harness);

    /** The end of what has happened so far. */
    async function end(namespace: string): Promise<number> {
      const found = await store().changesSince({ namespace, limit: 1 });
      assert.ok(found !== 'GAP');
      assert.deepEqual(found.changes, []);
      return found.next;
    }

    async function since(namespace: string, after: number, limit = 100): Promise<readonly DeliveryChange[]> {
      const found = await store().changesSince({ namespace, after, limit });
      assert.ok(found !== 'GAP');
      return found.changes;
    }

    test('each settlement is told, in order, with the delivery as it was then and the attempt', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const [delivery] = await publishTo(store(), webhook, 1, { event: { type: 'order.paid' } });
      const start = await end(namespace);
      const later = { to: 'PENDING', dueAt: T0 + 7 } as const;
      const attempt = anAttempt(1, 500);
      await store().settle([{ delivery: delivery!, attempt, transition: later, now: T0 }], []);
      await store().settle([settlement({ ...delivery!, attempts: 1 }, { to: 'SUCCEEDED' }, T0 + 9)], []);
      const told = await since(namespace, start);
      const { attempts: _, ...last } = (await store().getDelivery(keyOf(delivery!.id)))!;
      const { finishedAt: __, ...base } = last;
      assert.deepEqual(
        told.map(({ seq: _seq, ...change }) => change),
        [
          {
            delivery: { ...base, state: 'PENDING', attemptCount: 1, dueAt: T0 + 7, lastStatus: 500 },
            attempt: shown(1, 500),
          },
          { delivery: last, attempt: shown(2) },
        ],
      );
      assert.ok(told[0]!.seq > start && told[1]!.seq > told[0]!.seq);
    });

    test('a cancellation without an attempt, a retry and a removal are told', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const [delivery] = await publishTo(store(), webhook);
      const start = await end(namespace);
      const cancelled = { to: 'CANCELLED', reason: 'REQUESTED' } as const;
      await store().settle([{ delivery: delivery!, transition: cancelled, now: T0 + 1 }], []);
      await store().retryDeliveries([{ namespace, id: delivery!.id, now: T0 + 2 }]);
      await store().removeWebhooks([{ id: webhook.id, now: T0 + 3 }]);
      assert.deepEqual(
        (await since(namespace, start)).map(({ delivery: { state, reason, dueAt, finishedAt }, attempt }) => [
          state,
          reason,
          dueAt ?? finishedAt,
          attempt,
        ]),
        [
          ['CANCELLED', 'REQUESTED', T0 + 1, undefined],
          ['PENDING', undefined, T0 + 2, undefined],
          ['CANCELLED', 'REMOVED', T0 + 3, undefined],
        ],
      );
    });

    test('a change without an attempt tells of the attempts that were made before', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const [delivery] = await publishTo(store(), webhook);
      const later = { to: 'PENDING', dueAt: T0 + 7 } as const;
      await store().settle(
        [{ delivery: delivery!, attempt: anAttempt(1, 500), transition: later, now: T0 }],
        [],
      );
      const start = await end(namespace);
      const cancelled = { to: 'CANCELLED', reason: 'REQUESTED' } as const;
      const waiting = { ...delivery!, attempts: 1 };
      await store().settle([{ delivery: waiting, transition: cancelled, now: T0 + 1 }], []);
      const [told] = await since(namespace, start);
      assert.equal(told?.delivery.attemptCount, 1);
      assert.equal(told.delivery.lastStatus, 500);
      assert.equal(told.attempt, undefined);
    });

    test('an attempt of a delivery that ended meanwhile is told', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      const start = await end(webhook.namespace);
      await store().settle([settlement(delivery!)], []);
      const [told, ...others] = await since(webhook.namespace, start);
      assert.deepEqual(others, []);
      assert.deepEqual([told?.delivery.state, told?.delivery.attemptCount], ['SUCCEEDED', 1]);
      assert.deepEqual(told?.attempt, shown(1));
    });

    test('what was published, and what was refused, is not told', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const [delivery] = await publishTo(store(), webhook);
      await store().settle([settlement(delivery!)], []);
      const start = await end(namespace);
      await publishTo(store(), webhook);
      await store().retryDeliveries([{ namespace, id: delivery!.id, now: T0 }]);
      assert.deepEqual(await since(namespace, start), []);
    });

    test('pages follow each other, and an empty one says where to go on', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const waiting = await publishTo(store(), webhook, 7);
      let after = await end(namespace);
      await store().settle(
        waiting.map((delivery) => settlement(delivery)),
        [],
      );
      const other = await register(store());
      await store().settle([settlement((await publishTo(store(), other))[0]!)], []);
      const told: string[] = [];
      for (let pages = 0; pages < 5; pages++) {
        const found = await store().changesSince({ namespace, after, limit: 3 });
        assert.ok(found !== 'GAP' && found.changes.length <= 3);
        told.push(...found.changes.map(({ delivery }) => delivery.id));
        assert.ok(found.next >= after);
        after = found.next;
      }
      assert.deepEqual(
        told,
        waiting.map(({ id }) => id),
      );
      assert.equal(after, await end(namespace), 'past what others did');
      await store().settle([settlement((await publishTo(store(), webhook))[0]!)], []);
      assert.equal((await since(namespace, after)).length, 1);
    });

    test('what happened in another namespace is not told, however much it is', async () => {
      const mine = await register(store());
      const theirs = await register(store());
      const start = await end(mine.namespace);
      const many = await publishTo(store(), theirs, 5_000);
      await store().settle(
        many.map((delivery) => settlement(delivery)),
        [],
      );
      const [delivery] = await publishTo(store(), mine);
      await store().settle([settlement(delivery!)], []);
      let after = start;
      const told: string[] = [];
      while (told.length === 0) {
        const found = await store().changesSince({ namespace: mine.namespace, after, limit: 10 });
        assert.ok(found !== 'GAP' && found.next > after);
        told.push(...found.changes.map((change) => change.delivery.id));
        after = found.next;
      }
      assert.deepEqual(told, [delivery!.id]);
    });

    test('there is a gap where something is not kept any more, and none after it', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const start = await end(namespace);
      const [old, young] = await publishTo(store(), webhook, 2);
      await store().settle([settlement(old!, undefined, T0)], []);
      const between = await end(namespace);
      await store().settle([settlement(young!, undefined, T0 + 5)], []);
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      assert.equal(await store().changesSince({ namespace, after: start, limit: 10 }), 'GAP');
      assert.equal((await since(namespace, between)).length, 1);
    });

    test('there is a gap after what has not happened yet', async () => {
      const namespace = aNamespace();
      const after = (await end(namespace)) + 1;
      assert.equal(await store().changesSince({ namespace, after, limit: 10 }), 'GAP');
    });

    test('listeners hear of a change when it can be read, and no more once they have stopped', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const waiting = await publishTo(store(), webhook, 3);
      const start = await end(namespace);
      const heard: Promise<readonly DeliveryChange[]>[] = [];
      const stop = store().onChanges(() => heard.push(since(namespace, start)));
      await store().publish([aPublication([webhook.id])]);
      assert.equal(heard.length, 0);
      await store().settle([settlement(waiting[0]!, { to: 'FAILED', reason: 'GONE' })], []);
      assert.equal((await heard.at(-1))?.length, 1);
      await store().retryDeliveries([{ namespace, id: waiting[0]!.id, now: T0 }]);
      assert.equal((await heard.at(-1))?.length, 2);
      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      assert.equal((await heard.at(-1))?.length, 6);
      await sweepAll(store());
      const swept = heard.length;
      const crowded = await register(store());
      await publishTo(store(), crowded, SWEEP_BATCH + 1);
      await store().removeWebhooks([{ id: crowded.id, now: T0 }]);
      const removed = heard.length;
      assert.ok(removed > swept);
      await sweepAll(store());
      assert.ok(heard.length > removed, 'the sweep cancelled the rest');
      stop();
      const before = heard.length;
      const other = await register(store());
      await store().settle([settlement((await publishTo(store(), other))[0]!)], []);
      assert.equal(heard.length, before);
    });

    const { reopen } = harness;
    if (reopen) {
      test('what happened is told when the store is opened again, and the order goes on', async () => {
        let opened = await harness.open();
        const webhook = await register(opened);
        const { namespace } = webhook;
        const [first, second] = await publishTo(opened, webhook, 2);
        await opened.settle([settlement(first!)], []);
        const before = await opened.changesSince({ namespace, after: 0, limit: 10 });
        opened = await reopen(opened);
        assert.deepEqual(await opened.changesSince({ namespace, after: 0, limit: 10 }), before);
        assert.ok(before !== 'GAP');
        const [waiting] = await waitingOf(opened, webhook.id);
        assert.equal(waiting?.id, second?.id);
        await opened.settle([settlement(waiting!)], []);
        const found = await opened.changesSince({ namespace, after: before.next, limit: 10 });
        assert.ok(found !== 'GAP');
        assert.deepEqual(
          found.changes.map(({ delivery }) => delivery.id),
          [second!.id],
        );
        await opened.close();
      });

      test('a place in the order is not given twice, also when all before it was swept', async () => {
        let opened = await harness.open();
        const webhook = await register(opened);
        const { namespace } = webhook;
        const [first] = await publishTo(opened, webhook);
        await opened.settle([settlement(first!, undefined, T0)], []);
        const before = await opened.changesSince({ namespace, limit: 1 });
        assert.ok(before !== 'GAP');
        await sweepAll(opened, { finishedBefore: T0 + 1 });
        opened = await reopen(opened);
        const [next] = await publishTo(opened, webhook);
        await opened.settle([settlement(next!)], []);
        const found = await opened.changesSince({ namespace, after: before.next, limit: 10 });
        assert.ok(found !== 'GAP');
        assert.equal(found.changes.length, 1);
        await opened.close();
      });
    }
  });
}
