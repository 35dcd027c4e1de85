import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Transition, WaitingDelivery } from '../../../src/domain/delivery/delivery.ts';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import { aDelivery, anAttempt, aPublication, aRun, keyOf, T0, testId } from '../../support/store.ts';
import {
  aNamespace,
  forgetVisible,
  type Harness,
  publishTo,
  register,
  settlement,
  useStore,
  waitingOf,
} from './harness.ts';

const NOW = T0 + 1_000;
const LATER: Transition = { to: 'PENDING', dueAt: T0 + 99_999 };
const NOTHING = { deliveries: [], events: [], topUp: [], retried: [] };

export function orders(harness: Harness): void {
  describe(`${harness.name}: trying deliveries again`, () => {
    const store = useStore(harness);
    const order = ({ namespace }: Webhook, { id }: { id: string }) => ({ namespace, id, now: NOW });

    /** A delivery that was tried once, and became this. */
    async function tried(transition: Transition): Promise<{ webhook: Webhook; delivery: WaitingDelivery }> {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      await store().settle([settlement(delivery!, transition)], []);
      return { webhook, delivery: delivery! };
    }

    for (const transition of [
      { to: 'FAILED', reason: 'EXHAUSTED' },
      { to: 'CANCELLED', reason: 'REQUESTED' },
    ] as const) {
      test(`a delivery that is ${transition.to} is due again, with a fresh row of attempts`, async () => {
        const { webhook, delivery } = await tried(transition);
        await forgetVisible(store());
        assert.deepEqual(await store().retryDeliveries([order(webhook, delivery)]), ['RETRIED']);
        const expected = { ...delivery, dueAt: NOW, attempts: 1, attemptsBefore: 1 };
        assert.deepEqual(await waitingOf(store(), webhook.id), [expected]);
        const retried = [{ webhookId: webhook.id, ord: delivery.ord }];
        const poll = { deliveries: [expected], events: [], topUp: [], retried };
        assert.deepEqual(await store().pollWaiting(), poll);
        const detail = await store().getDelivery(keyOf(delivery.id));
        assert.equal(detail?.state, 'PENDING');
        assert.equal(detail.dueAt, NOW);
        assert.equal(detail.reason, undefined);
        assert.equal(detail.finishedAt, undefined);
        assert.equal(detail.lastStatus, 200);
        assert.deepEqual(detail.attempts, [anAttempt(1)]);
      });
    }

    test('a delivery whose request could not be made is rendered anew, another is sent as it was', async () => {
      const webhook = await register(store());
      const rendered = { headers: { 'x-a': 'b' } };
      for (const [reason, toRender] of [
        ['RENDER', true],
        ['EXHAUSTED', undefined],
      ] as const) {
        const made = { ...aDelivery(webhook.id), rendered };
        const event = { namespace: webhook.namespace };
        await store().publish([{ ...aPublication([], { event }), deliveries: [made] }]);
        const [delivery] = await waitingOf(store(), webhook.id);
        const transition = { to: 'FAILED', reason, message: 'why' } as const;
        await store().settle([{ delivery: delivery!, transition, now: T0 }], []);
        await store().retryDeliveries([order(webhook, delivery!)]);
        const [again] = await waitingOf(store(), webhook.id);
        assert.deepEqual([again?.toRender, again?.rendered], [toRender, toRender === undefined]);
        assert.equal((await store().getDelivery(keyOf(delivery!.id)))?.message, undefined);
        await store().settle([settlement(again!)], []);
      }
    });

    test('one that was finished after an order was first given is taken for carried out', async () => {
      const { webhook, delivery } = await tried({ to: 'FAILED', reason: 'EXHAUSTED' });
      const given = order(webhook, delivery);
      assert.deepEqual(await store().retryDeliveries([{ ...given, finishedBy: T0 - 1 }]), ['RETRIED']);
      assert.equal((await store().getDelivery(keyOf(delivery.id)))?.state, 'FAILED');
      assert.deepEqual(await store().retryDeliveries([{ ...given, finishedBy: T0 }]), ['RETRIED']);
      assert.equal((await store().getDelivery(keyOf(delivery.id)))?.state, 'PENDING');
      const done = await tried({ to: 'SUCCEEDED' });
      const late = { ...order(done.webhook, done.delivery), finishedBy: T0 - 1 };
      assert.deepEqual(await store().retryDeliveries([late]), ['RETRIED']);
    });

    test('attempts go on where they were, and all of them are kept', async () => {
      const { webhook, delivery } = await tried({ to: 'FAILED', reason: 'EXHAUSTED' });
      await store().retryDeliveries([order(webhook, delivery)]);
      const [again] = await waitingOf(store(), webhook.id);
      await store().settle([settlement(again!, { to: 'FAILED', reason: 'EXHAUSTED' }, NOW + 1)], []);
      await store().retryDeliveries([order(webhook, delivery)]);
      const [third] = await waitingOf(store(), webhook.id);
      assert.deepEqual([third?.attempts, third?.attemptsBefore], [2, 2]);
      await store().settle([settlement(third!, { to: 'SUCCEEDED' }, NOW + 2)], []);
      const detail = await store().getDelivery(keyOf(delivery.id));
      assert.equal(detail?.state, 'SUCCEEDED');
      assert.equal(detail.finishedAt, NOW + 2);
      assert.deepEqual(detail.attempts, [anAttempt(1), anAttempt(2), anAttempt(3)]);
    });

    test('a delivery that waits is due sooner, with the attempts that it has left', async () => {
      const { webhook, delivery } = await tried(LATER);
      await forgetVisible(store());
      assert.deepEqual(await store().retryDeliveries([order(webhook, delivery)]), ['RETRIED']);
      const expected = { ...delivery, dueAt: NOW, attempts: 1 };
      assert.deepEqual(await waitingOf(store(), webhook.id), [expected]);
      assert.deepEqual((await store().pollWaiting()).deliveries, [expected]);
    });

    test('a delivery that is sent again before its cancellation is settled goes on', async () => {
      for (const attempts of [0, 1]) {
        const webhook = await register(store());
        const [delivery] = await publishTo(store(), webhook);
        await store().cancelDeliveries([order(webhook, delivery!)]);
        assert.deepEqual(await store().retryDeliveries([order(webhook, delivery!)]), ['RETRIED']);
        const known = { ...delivery!, ending: 'REQUESTED' } as const;
        const transition = { to: 'CANCELLED', reason: 'REQUESTED' } as const;
        const ended =
          attempts === 0 ? { delivery: known, transition, now: NOW } : settlement(known, transition);
        assert.deepEqual(await store().settle([ended], []), ['GONE']);
        const expected = { ...delivery!, attempts };
        assert.deepEqual(await waitingOf(store(), webhook.id), [expected]);
        assert.equal((await store().getDelivery(keyOf(delivery!.id)))?.attempts.length, attempts);
      }
    });

    test('a delivery that is due already is not put off', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      assert.deepEqual(await store().retryDeliveries([order(webhook, delivery!)]), ['RETRIED']);
      assert.deepEqual(await waitingOf(store(), webhook.id), [delivery]);
    });

    test('a delivery that was to be given up is so no more', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      await store().cancelDeliveries([order(webhook, delivery!)]);
      await store().retryDeliveries([order(webhook, delivery!)]);
      assert.deepEqual(await waitingOf(store(), webhook.id), [delivery]);
    });

    test('one that is not the first of an ordered lane waits for it, unless that is due', async () => {
      const webhook = await register(store(), { spec: { limits: { ordered: true } } });
      const [first, second, third] = await publishTo(store(), webhook, 3);
      await store().settle([settlement(first!, { to: 'FAILED', reason: 'EXHAUSTED' })], []);
      await store().settle([settlement(second!, LATER)], []);
      const waitsFor = async (id: string) => (await store().getDelivery(keyOf(id)))?.waitsFor;
      assert.deepEqual(await store().retryDeliveries([order(webhook, third!)]), ['WAITING']);
      assert.deepEqual([await waitsFor(second!.id), await waitsFor(third!.id)], [undefined, second!.id]);
      // What is finished has the place that it had once it is sent again, which is before both.
      assert.deepEqual(await store().retryDeliveries([order(webhook, first!)]), ['RETRIED']);
      assert.deepEqual([await waitsFor(first!.id), await waitsFor(third!.id)], [undefined, first!.id]);
      assert.deepEqual(await store().retryDeliveries([order(webhook, third!)]), ['RETRIED']);
      await store().settle([settlement({ ...first!, attempts: 1 })], []);
      assert.deepEqual(await store().retryDeliveries([third!, second!].map((one) => order(webhook, one))), [
        'RETRIED',
        'RETRIED',
      ]);
    });

    test('in an ordered lane, a delayed one that is sent by hand is due before others that are delayed', async () => {
      const webhook = await register(store(), { spec: { limits: { ordered: true } } });
      const [sooner] = await publishTo(store(), webhook, 1, { dueAt: NOW + 1_000 });
      const [later] = await publishTo(store(), webhook, 1, { dueAt: NOW + 2_000 });
      assert.deepEqual(await store().retryDeliveries([order(webhook, later!)]), ['RETRIED']);
      const [lane] = await store().topUp([{ webhookId: webhook.id, limit: 10, ordered: true }]);
      assert.deepEqual(lane?.deliveries, [{ ...later, dueAt: NOW, firstDueAt: NOW }, sooner]);
    });

    test('in a lane that is not ordered none waits for another', async () => {
      const webhook = await register(store());
      const [first, second] = await publishTo(store(), webhook, 2);
      await store().settle([settlement(first!, LATER)], []);
      assert.deepEqual(await store().retryDeliveries([order(webhook, second!)]), ['RETRIED']);
      assert.equal((await store().getDelivery(keyOf(second!.id)))?.waitsFor, undefined);
    });

    test('one that was delivered is not sent again', async () => {
      const { webhook, delivery } = await tried({ to: 'SUCCEEDED' });
      await forgetVisible(store());
      assert.deepEqual(await store().retryDeliveries([order(webhook, delivery)]), ['SUCCEEDED']);
      assert.deepEqual(await waitingOf(store(), webhook.id), []);
      assert.deepEqual(await store().pollWaiting(), NOTHING);
    });

    test('one that is unknown, or of another namespace, is gone', async () => {
      const { delivery } = await tried({ to: 'FAILED', reason: 'GONE' });
      const batch = [
        { namespace: aNamespace(), id: delivery.id, now: NOW },
        { namespace: 'default', id: testId('delivery'), now: NOW },
      ];
      assert.deepEqual(await store().retryDeliveries(batch), ['GONE', 'GONE']);
      assert.equal((await store().getDelivery(keyOf(delivery.id)))?.state, 'FAILED');
    });

    test('one whose webhook is removed is gone, whether it failed before or waited', async () => {
      const { webhook, delivery } = await tried({ to: 'FAILED', reason: 'REFUSED' });
      const waiting = await publishTo(store(), webhook, 501);
      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      const batch = [delivery, waiting[0]!, waiting.at(-1)!].map((each) => order(webhook, each));
      assert.deepEqual(await store().retryDeliveries(batch), ['GONE', 'GONE', 'GONE']);
      assert.equal((await store().getDelivery(keyOf(delivery.id)))?.state, 'FAILED');
    });

    test("one whose event's data was erased is gone", async () => {
      const { webhook, delivery } = await tried({ to: 'FAILED', reason: 'REFUSED' });
      await store().purgeEvents([{ namespace: webhook.namespace, id: delivery.eventId }]);
      assert.deepEqual(await store().retryDeliveries([order(webhook, delivery)]), ['GONE']);
      assert.deepEqual(await waitingOf(store(), webhook.id), []);
    });

    test('one that waits again is listed, and found by the firing that skips', async () => {
      const webhook = await register(store());
      const first = aRun(webhook);
      await store().fireRuns([first]);
      const [run] = await waitingOf(store(), webhook.id);
      await store().settle([settlement(run!, { to: 'FAILED', reason: 'EXHAUSTED' })], []);
      await store().retryDeliveries([order(webhook, run!)]);
      const { namespace } = webhook;
      const pending = await store().listDeliveries({ namespace, state: 'PENDING', limit: 10 });
      assert.deepEqual(
        pending.map(({ id }) => id),
        [run!.id],
      );
      assert.deepEqual(await store().listDeliveries({ namespace, state: 'FAILED', limit: 10 }), []);
      const next = aRun({ ...webhook, cursor: first.to }, { overlap: 'SKIP' });
      assert.deepEqual(await store().fireRuns([next]), ['SKIPPED']);
    });
  });

  describe(`${harness.name}: giving deliveries up`, () => {
    const store = useStore(harness);
    const order = ({ namespace }: Webhook, { id }: { id: string }) => ({ namespace, id, now: NOW });

    test('one that waits is marked, and polled again', async () => {
      const webhook = await register(store());
      const [delivery, other] = await publishTo(store(), webhook, 2);
      await forgetVisible(store());
      assert.deepEqual(await store().cancelDeliveries([order(webhook, delivery!)]), ['CANCELLING']);
      const expected = { ...delivery, ending: 'REQUESTED' };
      assert.deepEqual(await waitingOf(store(), webhook.id), [expected, other]);
      assert.deepEqual((await store().pollWaiting()).deliveries, [expected]);
      assert.equal((await store().getDelivery(keyOf(delivery!.id)))?.state, 'PENDING');
    });

    test('the mark stays until the delivery is settled, whatever comes of it', async () => {
      const webhook = await register(store());
      const [one, two] = await publishTo(store(), webhook, 2);
      await store().cancelDeliveries([order(webhook, one!), order(webhook, two!)]);
      await store().settle([settlement(one!, LATER)], []);
      const [putOff] = await waitingOf(store(), webhook.id);
      assert.equal(putOff?.ending, 'REQUESTED');
      const cancelled = { to: 'CANCELLED', reason: 'REQUESTED' } as const;
      await store().settle([{ delivery: putOff!, transition: cancelled, now: NOW }], []);
      await store().settle([settlement(two!, { to: 'SUCCEEDED' })], []);
      const detail = await store().getDelivery(keyOf(one!.id));
      assert.deepEqual([detail?.state, detail?.reason, detail?.finishedAt], ['CANCELLED', 'REQUESTED', NOW]);
      assert.equal((await store().getDelivery(keyOf(two!.id)))?.state, 'SUCCEEDED');
    });

    test('one that ends for another reason already is cancelled for that', async () => {
      const webhook = await register(store());
      const run = aRun(webhook);
      await store().fireRuns([run, aRun({ ...webhook, cursor: run.to }, { overlap: 'SUPERSEDE' })]);
      const [first] = await waitingOf(store(), webhook.id);
      assert.deepEqual(await store().cancelDeliveries([order(webhook, first!)]), ['CANCELLING']);
      const [still] = await waitingOf(store(), webhook.id);
      assert.equal(still?.ending, 'SUPERSEDED');
    });

    test('one that is finished, also by the removal of its webhook, is finished', async () => {
      const webhook = await register(store());
      const [done, ...waiting] = await publishTo(store(), webhook, 502);
      await store().settle([settlement(done!)], []);
      await store().removeWebhooks([{ id: webhook.id, now: T0 }]);
      await forgetVisible(store());
      const batch = [done!, waiting[0]!, waiting.at(-1)!].map((each) => order(webhook, each));
      assert.deepEqual(await store().cancelDeliveries(batch), ['FINISHED', 'FINISHED', 'FINISHED']);
      assert.deepEqual(await store().pollWaiting(), NOTHING);
    });

    test('one that is unknown, or of another namespace, is gone', async () => {
      const webhook = await register(store());
      const [delivery] = await publishTo(store(), webhook);
      const batch = [
        { namespace: aNamespace(), id: delivery!.id, now: NOW },
        { namespace: webhook.namespace, id: testId('delivery'), now: NOW },
      ];
      assert.deepEqual(await store().cancelDeliveries(batch), ['GONE', 'GONE']);
      assert.deepEqual(await waitingOf(store(), webhook.id), [delivery]);
    });

    test('a row that was changed before it was polled is polled as it is then', async () => {
      const webhook = await register(store());
      await forgetVisible(store());
      const delivery = aDelivery(webhook.id);
      const publication = aPublication([], { event: { namespace: webhook.namespace } });
      await store().publish([{ ...publication, deliveries: [delivery] }]);
      await store().cancelDeliveries([order(webhook, delivery)]);
      const { deliveries } = await store().pollWaiting();
      assert.deepEqual(
        deliveries.map(({ id, ending }) => [id, ending]),
        [[delivery.id, 'REQUESTED']],
      );
    });
  });
}
