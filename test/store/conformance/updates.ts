import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aRun, aSecret, aSpec, aWebhook, T0, testId } from '../../support/store.ts';
import { aNamespace, type Harness, register, useStore } from './harness.ts';

export function updates(harness: Harness): void {
  describe(`${harness.name}: updating webhooks`, () => {
    const store = useStore(harness);
    const read = async (id: string) => (await store().getWebhooks([id]))[0];

    test('everything is replaced but id, namespace, creation time, cursor and health', async () => {
      const old = await register(store());
      const webhook = aWebhook({
        id: old.id,
        namespace: aNamespace(),
        spec: aSpec({ name: 'new', destination: 'http://new', labels: { a: 'b' } }),
        secrets: [aSecret(), aSecret({ sealed: new Uint8Array([9]), expiresAt: T0 + 9 })],
        compatibilitySecret: new Uint8Array([0, 7, 255]),
        state: 'PAUSED',
        cursor: { anchorAt: 1, nominalAt: 2, dueAt: 3, fired: 4, skipped: 5 },
        health: { failingSince: 1, trips: 2, openUntil: 3, holdUntil: null },
        createdAt: T0 + 1,
        updatedAt: T0 + 2,
        version: 2,
      });
      assert.deepEqual(await store().updateWebhooks([{ webhook, ifVersion: 1 }]), ['UPDATED']);
      assert.deepEqual(await read(old.id), {
        ...webhook,
        namespace: old.namespace,
        createdAt: old.createdAt,
        cursor: old.cursor,
        health: old.health,
      });
    });

    test('a reason for the state can go away', async () => {
      const old = await register(store(), { state: 'DISABLED', stateReason: 'GONE' });
      const { stateReason: _, ...rest } = old;
      const webhook = { ...rest, state: 'ACTIVE', version: 2 } as const;
      await store().updateWebhooks([{ webhook, ifVersion: 1 }]);
      assert.deepEqual(await read(old.id), webhook);
    });

    test('another version than the stored one is stale, and changes nothing', async () => {
      const old = await register(store(), { version: 5 });
      const webhook = { ...old, state: 'PAUSED', version: 7 } as const;
      for (const ifVersion of [4, 6]) {
        assert.deepEqual(await store().updateWebhooks([{ webhook, ifVersion }]), ['STALE']);
      }
      assert.deepEqual(await read(old.id), old);
    });

    test('of two updates from the same version the first wins, also within a batch', async () => {
      const old = await register(store());
      const paused = { ...old, state: 'PAUSED', version: 2 } as const;
      const results = await store().updateWebhooks([
        { webhook: paused, ifVersion: 1 },
        { webhook: { ...old, version: 3 }, ifVersion: 1 },
      ]);
      assert.deepEqual(results, ['UPDATED', 'STALE']);
      assert.deepEqual(await read(old.id), paused);
    });

    test('a cursor is taken if it was computed from the stored one', async () => {
      const old = await register(store());
      const cursor = { anchorAt: T0 + 1, nominalAt: T0 + 2, dueAt: T0 + 3, fired: 4, skipped: 5 };
      const webhook = { ...old, cursor, version: 2 };
      const results = await store().updateWebhooks([{ webhook, ifVersion: 1, cursorFrom: old.cursor }]);
      assert.deepEqual(results, ['UPDATED']);
      assert.deepEqual((await read(old.id))?.cursor, cursor);
      const [due] = await store().upcomingRuns({ before: T0 + 4, limit: 10 });
      assert.deepEqual(due, { webhookId: old.id, dueAt: T0 + 3 });
    });

    for (const [what, change] of [
      ['nominal time', { nominalAt: T0 }],
      ['missing nominal time', { nominalAt: null }],
      ['count of fired runs', { fired: 1 }],
      ['count of skipped runs', { skipped: 1 }],
    ] as const) {
      test(`a cursor computed from another ${what} is stale, and nothing is updated`, async () => {
        const old = await register(store());
        const webhook = { ...old, state: 'PAUSED', version: 2 } as const;
        const cursorFrom = { ...old.cursor, ...change };
        assert.deepEqual(await store().updateWebhooks([{ webhook, ifVersion: 1, cursorFrom }]), ['STALE']);
        assert.deepEqual(await read(old.id), old);
      });
    }

    test('a cursor is compared by nominal time and counters only', async () => {
      const old = await register(store());
      const cursorFrom = { ...old.cursor, anchorAt: 1, dueAt: 2 };
      const update = { webhook: { ...old, version: 2 }, ifVersion: 1, cursorFrom };
      assert.deepEqual(await store().updateWebhooks([update]), ['UPDATED']);
    });

    test('an update that takes no cursor does not mind that a run fired meanwhile', async () => {
      const old = await register(store());
      const run = aRun(old);
      await store().fireRuns([run]);
      const update = { webhook: { ...old, version: 2 }, ifVersion: 1 };
      assert.deepEqual(await store().updateWebhooks([update]), ['UPDATED']);
      assert.deepEqual((await read(old.id))?.cursor, run.to);
    });

    test('health is taken when it is to be reset', async () => {
      const health = { failingSince: T0, trips: 3, openUntil: T0 + 1, holdUntil: null };
      const old = await register(store(), { health });
      const webhook = {
        ...old,
        health: { failingSince: null, trips: 0, openUntil: null, holdUntil: null },
        version: 2,
      };
      await store().updateWebhooks([{ webhook, ifVersion: 1, resetHealth: true }]);
      assert.deepEqual((await read(old.id))?.health, webhook.health);
    });

    test('a key that another webhook has is not taken over, and nothing is updated', async () => {
      const other = await register(store());
      const old = await register(store(), { namespace: other.namespace });
      const webhook = { ...old, spec: other.spec, state: 'PAUSED', version: 2 } as const;
      assert.deepEqual(await store().updateWebhooks([{ webhook, ifVersion: 1 }]), ['EXISTS']);
      assert.deepEqual(await read(old.id), old);
    });

    test('a key that was given up can be taken', async () => {
      const first = await register(store());
      const moved = { ...first, spec: aSpec({ name: 'moved' }), version: 2 };
      await store().updateWebhooks([{ webhook: moved, ifVersion: 1 }]);
      const heir = aWebhook({ namespace: first.namespace, spec: first.spec });
      assert.deepEqual(await store().createWebhooks([heir]), ['CREATED']);
    });

    test('an unknown webhook is not found, and the others are updated', async () => {
      const old = await register(store());
      const results = await store().updateWebhooks([
        { webhook: aWebhook({ id: testId('webhook') }), ifVersion: 1 },
        { webhook: { ...old, version: 2 }, ifVersion: 1 },
      ]);
      assert.deepEqual(results, ['NOT_FOUND', 'UPDATED']);
    });
  });
}
