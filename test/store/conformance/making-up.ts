import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { OnOverlap } from '../../../src/store/intake.ts';
import { aRun, T0 } from '../../support/store.ts';
import { forgetVisible, type Harness, register, settlement, useStore, waitingOf } from './harness.ts';

export function makingUp(harness: Harness): void {
  describe(`${harness.name}: runs that are made up for`, () => {
    const store = useStore(harness);

    /** Fires runs one after the other, and returns the webhook as it is then. */
    async function fire(webhook: Webhook, ...policies: OnOverlap['policy'][]): Promise<Webhook> {
      let { cursor } = webhook;
      for (const overlap of policies) {
        const firing = aRun({ ...webhook, cursor }, { overlap });
        assert.deepEqual(await store().fireRuns([firing]), ['FIRED']);
        cursor = firing.to;
      }
      return { ...webhook, cursor };
    }

    /** What waits, as a row of letters: `n` is due now, `-` waits for its turn, `x` is to be given up. */
    async function turnsOf({ id }: Webhook): Promise<string> {
      const waiting = await waitingOf(store(), id);
      return waiting
        .map(({ dueAt, ending }) => (ending === 'SUPERSEDED' ? 'x' : dueAt === Infinity ? '-' : 'n'))
        .join('');
    }

    /** An attempt at the one that is due fails. */
    async function failFirst({ id }: Webhook): Promise<void> {
      const [first] = (await waitingOf(store(), id)).filter(({ dueAt }) => dueAt < Infinity);
      const retry = settlement(first!, { to: 'PENDING', dueAt: T0 + 9_000 }, T0);
      assert.deepEqual(await store().settle([retry], []), ['SETTLED']);
    }

    /** What is to be given up is, as the dispatcher does it. */
    async function giveUp({ id }: Webhook): Promise<void> {
      const ending = (await waitingOf(store(), id)).filter((delivery) => delivery.ending !== undefined);
      const cancelled = { to: 'CANCELLED', reason: 'SUPERSEDED' } as const;
      await store().settle(
        ending.map((delivery) => settlement(delivery, cancelled, T0)),
        [],
      );
    }

    test('wait their turn, and none takes the place of another before that was attempted', async () => {
      const webhook = await register(store());
      await fire(webhook, 'SUPERSEDE_IN_TURN', 'SUPERSEDE_IN_TURN', 'SUPERSEDE_IN_TURN');
      assert.equal(await turnsOf(webhook), 'n--');
    });

    test('take the place of the one before once that was attempted in vain, which is handed over', async () => {
      const webhook = await register(store());
      await fire(webhook, 'SUPERSEDE_IN_TURN', 'SUPERSEDE_IN_TURN', 'SUPERSEDE_IN_TURN');
      await forgetVisible(store());
      await failFirst(webhook);
      assert.equal(await turnsOf(webhook), 'x--');
      const { deliveries } = await store().pollWaiting();
      assert.deepEqual(
        deliveries.map(({ ending }) => ending),
        ['SUPERSEDED'],
      );
      await giveUp(webhook);
      assert.equal(await turnsOf(webhook), 'n-');
    });

    test('are tried again where none comes after them, or where those that do wait with BUFFER', async () => {
      const [alone, buffered] = [await register(store()), await register(store())];
      await fire(alone, 'SUPERSEDE_IN_TURN');
      await failFirst(alone);
      assert.equal(await turnsOf(alone), 'n');
      await fire(buffered, 'BUFFER', 'BUFFER');
      await failFirst(buffered);
      assert.equal(await turnsOf(buffered), 'n-');
    });

    test('take the place of what was attempted before them, and of a run on time that was not', async () => {
      const webhook = await register(store());
      const after = await fire(webhook, 'SUPERSEDE');
      await fire(after, 'SUPERSEDE_IN_TURN', 'SUPERSEDE_IN_TURN');
      assert.equal(await turnsOf(webhook), 'x--');
    });

    test('are not superseded by a run on time, which waits behind them, and is by the next', async () => {
      const webhook = await register(store());
      await fire(webhook, 'SUPERSEDE_IN_TURN', 'SUPERSEDE_IN_TURN', 'SUPERSEDE', 'SUPERSEDE');
      assert.equal(await turnsOf(webhook), 'n-x-');
      await failFirst(webhook);
      await giveUp(webhook);
      assert.equal(await turnsOf(webhook), 'n-');
      // The run on time takes the place of the last of them, too.
      await failFirst(webhook);
      await giveUp(webhook);
      assert.equal(await turnsOf(webhook), 'n');
    });

    test('are superseded by a run on time once they were attempted', async () => {
      const webhook = await register(store());
      const after = await fire(webhook, 'SUPERSEDE_IN_TURN');
      await failFirst(webhook);
      await fire(after, 'SUPERSEDE');
      assert.equal(await turnsOf(webhook), 'xn');
    });

    test('are left out where too many wait', async () => {
      const webhook = await register(store());
      const after = await fire(webhook, 'SUPERSEDE_IN_TURN', 'SUPERSEDE_IN_TURN');
      const more = aRun(after, { overlap: 'SUPERSEDE_IN_TURN', waitingMax: 2 });
      assert.deepEqual(await store().fireRuns([more]), ['SKIPPED']);
      const [found] = await store().getWebhooks([webhook.id]);
      assert.deepEqual([found?.cursor.fired, found?.cursor.skipped], [2, 1]);
    });
  });
}
