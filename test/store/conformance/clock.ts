import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { HEALTHY } from '../../../src/domain/delivery/lane.ts';
import { T0 } from '../../support/store.ts';
import { type Harness, publishTo, register, settlement, useStore } from './harness.ts';

const HOUR = 3_600_000;

/** What a store does when time did not pass as it should: nobody was there, or the clock was put back. */
export function clock(harness: Harness): void {
  describe(`${harness.name}: a server that comes back`, () => {
    test('is told when one was last at work, to two minutes', async () => {
      const store = await harness.open();
      assert.equal(await store.comeBack({ now: T0, awayMs: HOUR }), undefined);
      const sweepAt = (now: number) => store.sweep({ now, finishedBefore: 0, payloadsBefore: 0 });
      await sweepAt(T0 + 10_000);
      await sweepAt(T0 + 60_000);
      assert.equal(await store.comeBack({ now: T0 + HOUR, awayMs: HOUR }), T0 + 60_000);
      assert.equal(await store.comeBack({ now: T0 + HOUR, awayMs: HOUR }), T0 + HOUR);
      await store.close();
    });

    test('counts anew for how long each webhook has failed, if nobody was there for longer', async () => {
      const store = await harness.open();
      const health = { ...HEALTHY, failingSince: T0 - HOUR, trips: 3, openUntil: T0, holdUntil: T0 };
      const webhook = await register(store, { health });
      await store.comeBack({ now: T0, awayMs: HOUR });
      const read = async () => (await store.getWebhooks([webhook.id]))[0]?.health;
      await store.comeBack({ now: T0 + HOUR, awayMs: HOUR });
      assert.deepEqual(await read(), health);
      await store.comeBack({ now: T0 + 2 * HOUR + 1, awayMs: HOUR });
      assert.deepEqual(await read(), { ...health, failingSince: null });
      await store.close();
    });

    test('finds a clock that was put back, until what waits is moved', async () => {
      const store = await harness.open();
      await store.comeBack({ now: T0, awayMs: HOUR });
      const now = T0 - HOUR;
      assert.equal(await store.comeBack({ now, awayMs: HOUR }), T0);
      await store.sweep({ now, finishedBefore: 0, payloadsBefore: 0 });
      assert.equal(await store.comeBack({ now, awayMs: HOUR }), T0);
      await store.moveBack({ byMs: HOUR, now });
      assert.equal(await store.comeBack({ now, awayMs: HOUR }), now);
      await store.close();
    });
  });

  describe(`${harness.name}: a clock that is put back`, () => {
    const store = useStore(harness);
    const now = T0 - HOUR;

    async function dueAts(webhookId: string): Promise<number[]> {
      const [lane] = await store().topUp([{ webhookId, limit: 10_000, ordered: false }]);
      return lane!.deliveries.map(({ dueAt }) => dueAt);
    }

    test('takes with it when destinations are asked', async () => {
      const webhook = await register(store(), {
        consent: { state: 'REFUSED', dueAt: T0, tries: 3, since: 1 },
      });
      await store().moveBack({ byMs: HOUR, now });
      assert.equal((await store().getWebhooks([webhook.id]))[0]?.consent?.dueAt, T0 - HOUR);
    });

    test('takes with it what waits for a time that is ahead, and leaves what is due', async () => {
      const [one, other] = [await register(store()), await register(store())];
      for (const dueAt of [now - 1, now, now + 1, T0, T0 + HOUR]) await publishTo(store(), one, 1, { dueAt });
      const [retried] = await publishTo(store(), other, 1, { dueAt: T0 });
      await store().settle([settlement(retried!, { to: 'PENDING', dueAt: T0 + 300_000 })], []);
      await store().moveBack({ byMs: HOUR, now });
      assert.deepEqual(await dueAts(one.id), [now - 1, now, now, now, T0]);
      assert.deepEqual(await dueAts(other.id), [now + 300_000]);
    });

    test('leaves ordered lanes in order, before what becomes due after that', async () => {
      const webhook = await register(store());
      const came = [];
      for (const at of [now - 2, now - 1, now + 60_000, T0 - 5, T0 - 1])
        came.push(...(await publishTo(store(), webhook, 1, { dueAt: at, event: { createdAt: at } })));
      const [delayed] = await publishTo(store(), webhook, 1, { dueAt: T0 + 60_000 });
      await store().settle([settlement(came[0]!, { to: 'PENDING', dueAt: T0 + 9 })], []);
      await store().moveBack({ byMs: HOUR, now });
      const [after] = await publishTo(store(), webhook, 1, { dueAt: now + 1, event: { createdAt: now + 1 } });
      const [lane] = await store().topUp([{ webhookId: webhook.id, limit: 10, ordered: true }]);
      assert.deepEqual(
        lane?.deliveries.map(({ id, dueAt }) => [id, dueAt <= now]),
        [
          [came[0]?.id, false],
          [came[1]?.id, true],
          [came[2]?.id, true],
          [came[3]?.id, true],
          [came[4]?.id, true],
          [after?.id, false],
          [delayed?.id, false],
        ],
      );
    });

    test('takes each once, however many there are', async () => {
      const webhook = await register(store());
      await publishTo(store(), webhook, 4_500, { dueAt: T0 + HOUR });
      await store().moveBack({ byMs: 1_000, now });
      assert.deepEqual(new Set(await dueAts(webhook.id)), new Set([T0 + HOUR - 1_000]));
    });

    test('takes with it the times of a health', async () => {
      const health = { failingSince: T0 - 5, trips: 2, openUntil: T0 + 7, holdUntil: T0 + 1_000 };
      const sick = await register(store(), { health });
      const well = await register(store());
      await store().moveBack({ byMs: HOUR, now });
      const [one, other] = await store().getWebhooks([sick.id, well.id]);
      assert.deepEqual(one?.health, {
        failingSince: now - 5,
        trips: 2,
        openUntil: now + 7,
        holdUntil: now + 1_000,
      });
      assert.deepEqual(other?.health, HEALTHY);
    });
  });
}
