import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { T0 } from '../../support/store.ts';
import { forgetVisible, type Harness, publishTo, register } from './harness.ts';

/** What a store says after a start that nobody would find otherwise. */
export function restarting(harness: Harness): void {
  const { open, reopen } = harness;
  if (reopen === undefined) return;
  describe(`${harness.name}: after a start`, () => {
    test('what was to be given up and was not is handed over, however far ahead it is due', async () => {
      const before = await open();
      const webhook = await register(before);
      const waiting = await publishTo(before, webhook, 3, { dueAt: T0 + 365 * 86_400_000 });
      const order = { namespace: webhook.namespace, id: waiting[1]!.id, now: T0 };
      assert.deepEqual(await before.cancelDeliveries([order]), ['CANCELLING']);
      await forgetVisible(before);
      const store = await reopen(before);
      const { deliveries } = await store.pollWaiting();
      assert.deepEqual(
        deliveries.map(({ id, ending }) => [id, ending]),
        [[waiting[1]!.id, 'REQUESTED']],
      );
      await store.close();
    });
  });
}
