import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { T0 } from '../../support/store.ts';
import { type Harness, publishTo, register, settlement, useStore } from './harness.ts';

export function lanes(harness: Harness): void {
  describe(`${harness.name}: lanes`, () => {
    test('lanes with anything waiting come by webhook ascending, with their earliest due time', async () => {
      const store = await harness.open();
      const [a, b, idle, c] = [
        await register(store),
        await register(store),
        await register(store),
        await register(store),
      ];
      assert.deepEqual(await store.waitingLanes({ limit: 10 }), []);
      await publishTo(store, c, 1, { dueAt: T0 + 3 });
      await publishTo(store, a, 1, { dueAt: T0 + 9 });
      await publishTo(store, a, 2, { dueAt: T0 + 1 });
      await publishTo(store, b, 1, { dueAt: T0 + 2 });
      const [done] = await publishTo(store, idle);
      await store.settle([settlement(done!)], []);

      const [laneA, laneB, laneC] = [
        { webhookId: a.id, dueAt: T0 + 1 },
        { webhookId: b.id, dueAt: T0 + 2 },
        { webhookId: c.id, dueAt: T0 + 3 },
      ];
      assert.deepEqual(await store.waitingLanes({ limit: 10 }), [laneA, laneB, laneC]);
      assert.deepEqual(await store.waitingLanes({ limit: 2 }), [laneA, laneB]);
      assert.deepEqual(await store.waitingLanes({ limit: 2, after: b.id }), [laneC]);
      assert.deepEqual(await store.waitingLanes({ limit: 2, after: c.id }), []);
      await store.close();
    });
  });

  describe(`${harness.name}: topping up`, () => {
    const store = useStore(harness);

    /** Publishes deliveries due at these times, in this order, and returns the lane's query. */
    async function laneDue(...dueAts: number[]): Promise<string> {
      const webhook = await register(store());
      for (const dueAt of dueAts) await publishTo(store(), webhook, 1, { dueAt });
      return webhook.id;
    }

    async function topUp(webhookId: string, limit: number, ordered = false) {
      const [lane] = await store().topUp([{ webhookId, limit, ordered }]);
      assert.equal(lane?.webhookId, webhookId);
      return { dueAts: lane.deliveries.map(({ dueAt }) => dueAt), more: lane.more };
    }

    test('a lane is read by due time, and what is due at the same time by arrival', async () => {
      const webhook = await register(store());
      const late = await publishTo(store(), webhook, 1, { dueAt: 20 });
      const early = await publishTo(store(), webhook, 3, { dueAt: 10 });
      const [lane] = await store().topUp([{ webhookId: webhook.id, limit: 10, ordered: false }]);
      assert.deepEqual(lane, { webhookId: webhook.id, deliveries: [...early, ...late], more: null });
    });

    test('an ordered lane is read by the times at which its deliveries first became due', async () => {
      const id = await laneDue(T0 + 30, T0 + 10, T0 + 20);
      assert.deepEqual(await topUp(id, 10, true), { dueAts: [T0 + 10, T0 + 20, T0 + 30], more: null });
    });

    test('in an ordered lane, a retry keeps its place before what became due after it', async () => {
      const webhook = await register(store());
      const [first, second] = await publishTo(store(), webhook, 3);
      const [delayed] = await publishTo(store(), webhook, 1, { dueAt: T0 + 50 });
      await store().settle(
        [
          settlement(first!, { to: 'PENDING', dueAt: T0 + 99 }),
          settlement(second!, { to: 'PENDING', dueAt: T0 + 9 }),
        ],
        [],
      );
      assert.deepEqual(await topUp(webhook.id, 10, true), {
        dueAts: [T0 + 99, T0 + 9, T0, T0 + 50],
        more: null,
      });
      assert.deepEqual(await topUp(webhook.id, 1, true), { dueAts: [T0 + 99], more: T0 + 9 });
      assert.equal(delayed?.firstDueAt, T0 + 50);
    });

    test('in an ordered lane, what comes in is last, even if the clock was put back a little', async () => {
      const webhook = await register(store());
      const now = T0 + 1_000_000;
      const came = [];
      for (const at of [now, now - 20, now + 5, now - 50_000]) {
        const event = { createdAt: at };
        const [delivery] = await publishTo(store(), webhook, 1, { dueAt: at, event });
        came.push(delivery?.id);
      }
      const event = { createdAt: now - 50_000 };
      const [delayed] = await publishTo(store(), webhook, 1, { dueAt: now - 1, event });
      const [lane] = await store().topUp([{ webhookId: webhook.id, limit: 10, ordered: true }]);
      assert.deepEqual(
        lane?.deliveries.map(({ id }) => id),
        [delayed?.id, ...came],
      );
    });

    test('in an ordered lane, what comes in after a great step of the clock does not wait for it', async () => {
      const webhook = await register(store());
      const now = T0 + 400 * 86_400_000;
      const [ahead] = await publishTo(store(), webhook, 1, { dueAt: now, event: { createdAt: now } });
      const [after] = await publishTo(store(), webhook);
      const [lane] = await store().topUp([{ webhookId: webhook.id, limit: 10, ordered: true }]);
      assert.deepEqual(lane?.deliveries, [after, ahead]);
    });

    test('more is the earliest due time of the rest', async () => {
      const id = await laneDue(30, 10, 20);
      assert.deepEqual(await topUp(id, 1), { dueAts: [10], more: 20 });
      assert.deepEqual(await topUp(id, 2), { dueAts: [10, 20], more: 30 });
      assert.deepEqual(await topUp(id, 3), { dueAts: [10, 20, 30], more: null });
    });

    test('more of an ordered lane is the due time of the next in order', async () => {
      const id = await laneDue(T0 + 30, T0 + 20, T0 + 10);
      assert.deepEqual(await topUp(id, 1, true), { dueAts: [T0 + 10], more: T0 + 20 });
    });

    test('lanes are answered in the order asked for, an empty one with nothing', async () => {
      const [one, two] = [await laneDue(1), await laneDue(2, 3)];
      const empty = await register(store());
      const found = await store().topUp([
        { webhookId: two, limit: 1, ordered: false },
        { webhookId: empty.id, limit: 1, ordered: false },
        { webhookId: one, limit: 1, ordered: true },
      ]);
      assert.deepEqual(
        found.map(({ webhookId, deliveries, more }) => [webhookId, deliveries.length, more]),
        [
          [two, 1, 3],
          [empty.id, 0, null],
          [one, 1, null],
        ],
      );
    });

    test('what was put off is read with its new due time, and what is settled no more', async () => {
      const webhook = await register(store());
      const [first, second] = await publishTo(store(), webhook, 2, { dueAt: 10 });
      await store().settle([settlement(first!, { to: 'PENDING', dueAt: 50 }), settlement(second!)], []);
      const [lane] = await store().topUp([{ webhookId: webhook.id, limit: 10, ordered: false }]);
      assert.deepEqual(lane?.deliveries, [{ ...first, dueAt: 50, attempts: 1 }]);
    });
  });
}
