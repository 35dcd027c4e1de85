import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { NewApiKey } from '../../../src/store/keys.ts';
import type { Store } from '../../../src/store/store.ts';
import { T0, testId } from '../../support/store.ts';
import { aNamespace, type Harness, useStore } from './harness.ts';

const BOUNDS = { now: T0, max: 1_000_000 };

function aKey(overrides: Partial<NewApiKey> = {}): NewApiKey {
  const id = overrides.id ?? testId('key');
  return {
    id,
    hash: `hash of ${id}`,
    prefix: 'ck_abcdefgh',
    namespace: undefined,
    role: 'READ',
    note: '',
    callsPerSecond: 0,
    createdAt: T0,
    expiresAt: undefined,
    revokedAt: undefined,
    lastUsedAt: undefined,
    ...overrides,
  };
}

const shown = ({ hash: _, ...key }: NewApiKey) => key;
const query = { namespace: undefined, from: undefined, limit: 1000 };

export function keys(harness: Harness): void {
  describe(`${harness.name}: keys of callers`, () => {
    const store = useStore(harness);
    const create = (...batch: NewApiKey[]) => store().createApiKeys(batch, BOUNDS);
    const revoke = (id: string, now: number, namespace?: string) =>
      store().revokeApiKeys([{ id, now, namespace }]);

    test('are kept with all that is known of them, and shown without their hash', async () => {
      const plain = aKey();
      const full = aKey({
        namespace: aNamespace(),
        role: 'ADMIN',
        note: 'Zoë',
        callsPerSecond: 7,
        expiresAt: T0 + 5,
      });
      assert.deepEqual(await create(plain, full), ['CREATED', 'CREATED']);
      const listed = await store().listApiKeys(query);
      assert.deepEqual(
        listed.filter(({ id }) => id === plain.id || id === full.id),
        [shown(plain), shown(full)],
      );
    });

    test('are one for a hash, and the first stays as it is', async () => {
      const namespace = aNamespace();
      const first = aKey({ namespace });
      await create(first);
      const again = aKey({ namespace, hash: first.hash, role: 'ADMIN' });
      assert.deepEqual(await create(again), ['EXISTS']);
      assert.deepEqual(await store().listApiKeys({ ...query, namespace }), [shown(first)]);
    });

    test('are listed of one namespace, a part at a time', async () => {
      const namespace = aNamespace();
      const mine = [aKey({ namespace }), aKey({ namespace }), aKey({ namespace })];
      await create(...mine, aKey({ namespace: aNamespace() }), aKey());
      const first = await store().listApiKeys({ ...query, namespace, limit: 2 });
      assert.deepEqual(first, mine.slice(0, 2).map(shown));
      const rest = await store().listApiKeys({ ...query, namespace, from: first[1]!.id });
      assert.deepEqual(rest, mine.slice(2).map(shown));
    });

    test('are revoked once, and only in the namespace that is asked for', async () => {
      const key = aKey({ namespace: aNamespace() });
      const general = aKey();
      await create(key, general);
      assert.deepEqual(await revoke(key.id, T0 + 1, aNamespace()), [undefined]);
      assert.deepEqual(await revoke(general.id, T0 + 1, key.namespace), [undefined]);
      assert.deepEqual(await revoke(testId('key'), T0 + 1), [undefined]);
      const revoked = { ...shown(key), revokedAt: T0 + 2 };
      assert.deepEqual(await revoke(key.id, T0 + 2, key.namespace), [revoked]);
      assert.deepEqual(await revoke(key.id, T0 + 3), [revoked]);
    });

    test('are entered in the audit log as revoked once, also by two calls of the same millisecond', async () => {
      const key = aKey({ namespace: aNamespace() });
      await create(key);
      const caller = { kind: 'KEY', id: 'key_1', address: '192.0.2.7' } as const;
      const method = 'carillon.v1.AdminService/RevokeApiKey';
      for (let i = 0; i < 2; i++) {
        const call = { id: testId('audit'), at: T0, method, caller, requestId: '', namespace: undefined };
        await store().onBehalf(
          call,
          () => revoke(key.id, T0 + 1),
          () => {},
        );
      }
      const { rows } = await store().scanAuditEntries({
        namespace: key.namespace,
        descending: false,
        limit: 9,
      });
      assert.deepEqual(
        [...rows].map(({ changes }) => changes.first),
        [[{ kind: 'REMOVED', type: 'ApiKey', id: key.id }]],
      );
    });

    test('know when they were last used, and do not go back', async () => {
      const namespace = aNamespace();
      const key = aKey({ namespace });
      await create(key);
      await store().noteApiKeyUses([{ id: key.id, at: T0 + 10 }]);
      await store().noteApiKeyUses([
        { id: key.id, at: T0 + 5 },
        { id: testId('key'), at: T0 + 5 },
      ]);
      const [used] = await store().listApiKeys({ ...query, namespace });
      assert.equal(used?.lastUsedAt, T0 + 10);
    });
  });

  describe(`${harness.name}: what changed of keys`, () => {
    test('is told in order, each key once, as it is now and with its hash', async () => {
      const store = await harness.open();
      const [first, second] = [aKey(), aKey()];
      await store.createApiKeys([first, second], BOUNDS);
      const all = await changes(store, 0);
      assert.deepEqual(
        all.map(({ key }) => key),
        [first, second],
      );
      const last = all.at(-1)!.change;
      assert.deepEqual(await changes(store, last), []);
      await store.noteApiKeyUses([{ id: second.id, at: T0 + 1 }]);
      assert.deepEqual(await changes(store, last), []);
      await store.revokeApiKeys([{ id: first.id, now: T0 + 1, namespace: undefined }]);
      const later = await changes(store, last);
      assert.deepEqual(
        later.map(({ key }) => key),
        [{ ...first, revokedAt: T0 + 1 }],
      );
      assert.ok(later[0]!.change > last);
      assert.equal((await store.apiKeyChanges({ after: 0, limit: 1 })).length, 1);
    });
  });

  describe(`${harness.name}: the bound on keys`, () => {
    test('counts those that are taken, and what is over makes room', async () => {
      const store = await harness.open();
      const bounds = { now: T0, max: 2 };
      const [revoked, expired, live] = [aKey(), aKey({ expiresAt: T0 }), aKey()];
      await store.createApiKeys([revoked], bounds);
      await store.revokeApiKeys([{ id: revoked.id, now: T0, namespace: undefined }]);
      assert.deepEqual(await store.createApiKeys([expired, live], bounds), ['CREATED', 'CREATED']);
      assert.deepEqual(await ids(store), [expired.id, live.id]);
      const known = (await changes(store, 0)).at(-1)!.change;
      const next = aKey();
      assert.deepEqual(await store.createApiKeys([next, aKey()], bounds), ['CREATED', 'FULL']);
      assert.deepEqual(await ids(store), [live.id, next.id]);
      assert.deepEqual(
        (await changes(store, known)).map(({ key }) => key.id),
        [next.id],
      );
    });

    test('forgets the change that was the last without giving its number to another', async () => {
      const store = await harness.open();
      const bounds = { now: T0, max: 1 };
      const first = aKey();
      await store.createApiKeys([first], bounds);
      await store.revokeApiKeys([{ id: first.id, now: T0, namespace: undefined }]);
      const known = (await changes(store, 0)).at(-1)!.change;
      const next = aKey();
      await store.createApiKeys([next], bounds);
      assert.deepEqual(
        (await changes(store, known)).map(({ key }) => key.id),
        [next.id],
      );
    });
  });
}

const changes = (store: Store, after: number) => store.apiKeyChanges({ after, limit: 1000 });

async function ids(store: Store): Promise<string[]> {
  return (await store.listApiKeys(query)).map(({ id }) => id);
}
