import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { SWEEP_BATCH } from '../../../src/store/housekeeping.ts';
import { aDelivery, aPublication, aSecret, aWebhook, keyOf, T0 } from '../../support/store.ts';
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

export function sweeping(harness: Harness): void {
  describe(`${harness.name}: sweeping`, () => {
    const store = useStore(harness);

    test('a store that can keep what it is given says so', async () => {
      assert.equal(await store().checkUp(), undefined);
    });

    test('deliveries finished before the bound go, with their events, and others stay', async () => {
      const webhook = await register(store());
      const [old, exact, young, waiting] = await publishTo(store(), webhook, 4);
      // Not in the order of finishing, as after a clock was set back.
      await store().settle([settlement(young!, undefined, T0 + 3)], []);
      await store().settle([settlement(exact!, undefined, T0 + 2), settlement(old!, undefined, T0 + 1)], []);
      await sweepAll(store(), { finishedBefore: T0 + 2 });

      const kept = [exact!, young!, waiting!];
      const found = await store().listDeliveries({ namespace: webhook.namespace, limit: 10 });
      assert.deepEqual(found.map(({ id }) => id).toSorted(), kept.map(({ id }) => id).toSorted());
      const ids = [old!, ...kept].map(({ eventId }) => eventId);
      const bodies = await store().getEventBodies(ids);
      assert.deepEqual(
        bodies.map((body) => body !== undefined),
        [false, true, true, true],
      );
      assert.equal(await store().getDelivery(keyOf(old!.id)), undefined);
      assert.equal((await store().getDelivery(keyOf(young!.id)))?.attempts.length, 1);
    });

    test('the attempts of a swept delivery are gone', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      await store().settle([settlement(delivery!, { to: 'PENDING', dueAt: T0 })], []);
      await store().settle([settlement({ ...delivery!, attempts: 1 }, undefined, T0)], []);
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      // The same id again would show what was left of the first.
      const again = aDelivery(webhook.id, { id: delivery!.id });
      await store().publish([{ ...aPublication([webhook.id]), deliveries: [again] }]);
      assert.deepEqual((await store().getDelivery(keyOf(delivery!.id)))?.attempts, []);
    });

    test('an attempt that comes in after its delivery was swept leaves nothing behind', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      await store().settle([settlement(delivery!, undefined, T0)], []);
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      const late = settlement({ ...delivery!, attempts: 1 });
      assert.deepEqual(await store().settle([late], []), ['GONE']);
      const again = aDelivery(webhook.id, { id: delivery!.id });
      await store().publish([{ ...aPublication([webhook.id]), deliveries: [again] }]);
      assert.deepEqual((await store().getDelivery(keyOf(delivery!.id)))?.attempts, []);
    });

    test('a delivery that is tried again is not swept for having been finished before', async () => {
      const webhook = await register(store());
      const { namespace } = webhook;
      const [old, failed] = await publishTo(store(), webhook, 2);
      await store().settle([settlement(old!, undefined, T0)], []);
      await store().settle([settlement(failed!, { to: 'FAILED', reason: 'EXHAUSTED' }, T0 + 5)], []);
      // A store may arrange what is finished anew when it sweeps.
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      await store().retryDeliveries([{ namespace, id: failed!.id, now: T0 + 6 }]);
      await sweepAll(store(), { finishedBefore: T0 + 10 });
      assert.equal((await store().getDelivery(keyOf(failed!.id)))?.state, 'PENDING');
      const pending = await store().listDeliveries({ namespace, state: 'PENDING', limit: 10 });
      assert.deepEqual(
        pending.map(({ id }) => id),
        [failed!.id],
      );
      const [again] = await waitingOf(store(), webhook.id);
      await store().settle([settlement(again!, undefined, T0 + 12)], []);
      await sweepAll(store(), { finishedBefore: T0 + 10 });
      assert.equal((await store().getDelivery(keyOf(failed!.id)))?.state, 'SUCCEEDED');
      await sweepAll(store(), { finishedBefore: T0 + 13 });
      assert.equal(await store().getDelivery(keyOf(failed!.id)), undefined);
    });

    test('what a removal cancelled goes by the time of the removal', async () => {
      const webhook = await register(store());
      const [old, waiting] = await publishTo(store(), webhook, 2);
      await store().settle([settlement(old!, undefined, T0)], []);
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      await store().removeWebhooks([{ id: webhook.id, now: T0 + 5 }]);
      await sweepAll(store(), { finishedBefore: T0 + 5 });
      assert.equal((await store().getDelivery(keyOf(waiting!.id)))?.state, 'CANCELLED');
      await sweepAll(store(), { finishedBefore: T0 + 6 });
      assert.equal(await store().getDelivery(keyOf(waiting!.id)), undefined);
    });

    test('an event goes with the last of its deliveries', async () => {
      const one = await register(store());
      const two = await register(store(), { namespace: one.namespace });
      const publication = aPublication([one.id, two.id]);
      await store().publish([publication]);
      const isKept = async () => (await store().getEventBodies([publication.event.id]))[0] !== undefined;

      const [first] = await waitingOf(store(), one.id);
      await store().settle([settlement(first!, undefined, T0)], []);
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      assert.equal(await store().getDelivery(keyOf(first!.id)), undefined);
      assert.ok(await isKept(), 'while one delivery waits');

      const [second] = await waitingOf(store(), two.id);
      await store().settle([settlement(second!, undefined, T0 + 5)], []);
      await sweepAll(store(), { finishedBefore: T0 + 5 });
      assert.ok(await isKept(), 'while one delivery is finished and kept');
      await sweepAll(store(), { finishedBefore: T0 + 6 });
      assert.ok(!(await isKept()), 'once all are gone');
    });

    test('an event goes when all of its deliveries go at once', async () => {
      const one = await register(store());
      const two = await register(store(), { namespace: one.namespace });
      const publication = aPublication([one.id, two.id]);
      await store().publish([publication]);
      for (const { id } of [one, two]) {
        const [waiting] = await waitingOf(store(), id);
        await store().settle([settlement(waiting!, undefined, T0)], []);
      }
      await sweepAll(store(), { finishedBefore: T0 + 1 });
      assert.deepEqual(await store().getEventBodies([publication.event.id]), [undefined]);
    });

    test('an event without deliveries goes by the time it was made', async () => {
      const [old, young] = [T0 + 1, T0 + 2].map((createdAt) => aPublication([], { event: { createdAt } }));
      await store().publish([old!, young!]);
      await sweepAll(store(), { finishedBefore: T0 + 2 });
      const bodies = await store().getEventBodies([old!.event.id, young!.event.id]);
      assert.deepEqual(
        bodies.map((body) => body?.id),
        [undefined, young?.event.id],
      );
    });

    test('signing secrets go once they have ended, and change nothing else of their webhook', async () => {
      const [newest, old, ended] = [undefined, T0 + 2, T0 + 1].map((expiresAt) =>
        aSecret(expiresAt === undefined ? {} : { expiresAt }),
      );
      const webhook = await register(store(), { secrets: [newest!, old!, ended!] });
      const read = async () => (await store().getWebhooks([webhook.id]))[0];
      await sweepAll(store(), { now: T0 });
      assert.deepEqual(await read(), webhook);
      assert.deepEqual(await sweepAll(store(), { now: T0 + 1 }), [1, 0]);
      assert.deepEqual(await read(), { ...webhook, secrets: [newest!, old!] });
      // A change that was decided on before writes them all back.
      const late = { ...webhook, version: 2 };
      assert.deepEqual(await store().updateWebhooks([{ webhook: late, ifVersion: 1 }]), ['UPDATED']);
      await sweepAll(store(), { now: T0 + 2 });
      assert.deepEqual(await read(), { ...late, secrets: [newest!] });
      assert.deepEqual(await sweepAll(store(), { now: T0 + 100 }), [0]);
    });

    test('many go in small batches, and nothing more is left to do after a 0', async () => {
      await sweepAll(store(), { finishedBefore: T0 + 100 });
      const webhook = await register(store(), { namespace: aNamespace() });
      const waiting = await publishTo(store(), webhook, 2 * SWEEP_BATCH + 1);
      await store().settle(
        waiting.map((delivery) => settlement(delivery, undefined, T0)),
        [],
      );
      const touched = await sweepAll(store(), { finishedBefore: T0 + 100 });
      assert.ok(
        touched.every((rows) => rows <= SWEEP_BATCH),
        `rows: ${touched}`,
      );
      assert.deepEqual(await store().listDeliveries({ namespace: webhook.namespace, limit: 1 }), []);
      assert.equal(await store().sweep({ now: T0 + 100, finishedBefore: T0 + 100, payloadsBefore: 0 }), 0);
    });

    test('tidying up leaves what is kept as it is, also beside writes', async () => {
      const webhook = await register(store());
      const [old, failed, waiting] = await publishTo(store(), webhook, 3);
      await store().settle([settlement(old!, undefined, T0)], []);
      await store().settle([settlement(failed!, { to: 'FAILED', reason: 'EXHAUSTED' }, T0 + 5)], []);
      const query = { now: T0 + 5, finishedBefore: T0 + 1 };
      for (let minute = 0; minute < 3; minute++) {
        await Promise.all([store().tidy(query), publishTo(store(), webhook)]);
        await sweepAll(store(), query);
      }
      assert.equal(await store().getDelivery(keyOf(old!.id)), undefined);
      assert.equal((await store().getDelivery(keyOf(failed!.id)))?.attempts.length, 1);
      const ids = (await waitingOf(store(), webhook.id)).map(({ id }) => id);
      assert.deepEqual([ids.length, ids[0]], [4, waiting!.id]);
    });

    test('the log is emptied, also beside writes, which are there afterwards', async () => {
      const webhook = aWebhook();
      const [, emptied] = await Promise.all([store().createWebhooks([webhook]), store().emptyLog()]);
      assert.equal(emptied, true);
      assert.deepEqual(await store().getWebhooks([webhook.id]), [webhook]);
    });
  });
}
