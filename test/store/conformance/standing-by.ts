import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { T0 } from '../../support/store.ts';
import { type Harness, register } from './harness.ts';

/** Whether a store may send what is in it. */
export function standingBy({ name, open, reopen }: Harness): void {
  describe(`${name}: a store on standby`, () => {
    test('says why and since when, until somebody takes over, which says so once', async () => {
      const store = await open();
      assert.equal(await store.getStandby(), undefined);
      assert.equal(await store.takeOver(), undefined);
      await store.standBy({ reason: 'RESTORED', since: T0 });
      await store.standBy({ reason: 'IMPORTED', since: T0 + 1 });
      const standby = { reason: 'IMPORTED', since: T0 + 1 };
      assert.deepEqual(await store.getStandby(), standby);
      assert.deepEqual(await store.takeOver(), standby);
      assert.equal(await store.getStandby(), undefined);
      assert.equal(await store.takeOver(), undefined);
      await store.close();
    });

    test('is not taken over before all of an import is there', async () => {
      const store = await open();
      await store.standBy({ reason: 'IMPORTING', since: T0 });
      assert.equal(await store.takeOver(), undefined);
      assert.deepEqual(await store.getStandby(), { reason: 'IMPORTING', since: T0 });
      await store.close();
    });

    test('counts anew for how long webhooks have failed, and keeps what holds them', async () => {
      const store = await open();
      const health = { failingSince: T0 - 1, trips: 2, openUntil: T0 + 5, holdUntil: T0 + 9 };
      const { id } = await register(store, { health });
      await store.standBy({ reason: 'RESTORED', since: T0 });
      const expected = { ...health, failingSince: null };
      assert.deepEqual((await store.getWebhooks([id]))[0]!.health, expected);
      await store.close();
    });

    if (reopen === undefined) return;
    test('is on standby after a start as well', async () => {
      const before = await open();
      await before.standBy({ reason: 'RESTORED', since: T0 });
      const store = await reopen(before);
      assert.deepEqual(await store.getStandby(), { reason: 'RESTORED', since: T0 });
      await store.close();
    });
  });
}
