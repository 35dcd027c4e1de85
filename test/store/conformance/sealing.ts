import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Webhook } from '../../../src/domain/webhook/webhook.ts';
import type { RememberedRequest } from '../../../src/store/sealing.ts';
import type { Store } from '../../../src/store/store.ts';
import { aSecret, T0 } from '../../support/store.ts';
import { aNamespace, everyPage, type Harness, register, useStore } from './harness.ts';

const DAY = 86_400_000;
const bytes = (...values: number[]) => Uint8Array.from(values);

/** The webhook with everything sealed by another key. */
function resealed(webhook: Webhook, byte: number): Webhook {
  return {
    ...webhook,
    secrets: webhook.secrets.map((secret) => ({ ...secret, sealed: bytes(byte) })),
    sealedCredentials: bytes(byte, byte),
    compatibilitySecret: bytes(byte, byte, byte),
    spec: { ...webhook.spec, secretHeaders: { 'x-key': { hint: '', digest: `digest ${byte}` } } },
  };
}

async function remembered(store: Store, namespace: string): Promise<RememberedRequest> {
  const name = { namespace, requestId: 'call-1' };
  await store.claimRequests([{ ...name, digest: 'd', now: T0, until: T0 + DAY }]);
  await store.answerRequests([{ ...name, answer: bytes(1, 2) }]);
  return { ...name, digest: 'd', claimedAt: T0, until: T0 + DAY, answer: bytes(1, 2) };
}

export function sealing(harness: Harness): void {
  describe(`${harness.name}: keys that seal`, () => {
    test('are noted once, listed oldest first, and forgotten when one alone is left', async () => {
      const store = await harness.open();
      assert.deepEqual(await store.listSealKeys(), []);
      await store.noteSealKeys([
        { id: 'bb', usedAt: T0 + 1 },
        { id: 'aa', usedAt: T0 },
      ]);
      await store.noteSealKeys([{ id: 'aa', usedAt: T0 + 9 }]);
      const both = [
        { id: 'aa', usedAt: T0 },
        { id: 'bb', usedAt: T0 + 1 },
      ];
      assert.deepEqual(await store.listSealKeys(), both);
      await store.keepSealKey({ id: 'bb', aloneAt: T0 + 5 });
      assert.deepEqual(await store.listSealKeys(), [{ id: 'bb', usedAt: T0 + 1, aloneAt: T0 + 5 }]);
      await store.close();
    });
  });

  describe(`${harness.name}: going through what is sealed`, () => {
    const store = useStore(harness);

    test('webhooks of every namespace are passed, once, also such as were removed', async () => {
      const here = [await register(store()), await register(store()), await register(store())];
      await store().removeWebhooks([{ id: here[1]!.id, now: T0 }]);
      const pages = await everyPage((last: Webhook | undefined) =>
        store().walkWebhooks({ after: last?.id, limit: 2 }),
      );
      const ids = pages.flat().map(({ id }) => id);
      assert.deepEqual(ids, ids.toSorted());
      for (const { id } of here) assert.equal(ids.filter((each) => each === id).length, 1);
      assert.ok(pages.every((page) => page.length <= 2));
      assert.ok((await store().countSealable()) >= ids.length);
    });

    test('a part is short where webhooks are large, and is never empty before the end', async () => {
      const text = 'x'.repeat(700_000);
      const spec = { payload: { body: { kind: 'text', text } } } as never;
      const large = [
        await register(store(), { spec }),
        await register(store(), { spec }),
        await register(store(), { spec }),
      ];
      const pages = await everyPage((last: Webhook | undefined) =>
        store().walkWebhooks({ after: last?.id, limit: 100 }),
      );
      const ids = pages.flat().map(({ id }) => id);
      for (const { id } of large) assert.ok(ids.includes(id));
      const most = Math.max(
        ...pages.map((page) => page.filter(({ id }) => large.some((each) => each.id === id)).length),
      );
      assert.equal(most, 1);
    });

    test('calls that are remembered are passed with their answers, by namespace and name', async () => {
      const [one, two] = [aNamespace(), aNamespace()];
      const first = await remembered(store(), one);
      const second = await remembered(store(), two);
      const begun = { namespace: two, requestId: 'begun' };
      await store().claimRequests([{ ...begun, digest: 'b', now: T0, until: T0 + DAY }]);
      const pages = await everyPage((last: RememberedRequest | undefined) =>
        store().walkRequests({ after: last, limit: 2 }),
      );
      const found = pages.flat().filter(({ namespace }) => namespace === one || namespace === two);
      const plain = found.map(({ answer, ...rest }) => ({
        ...rest,
        ...(answer && { answer: bytes(...answer) }),
      }));
      assert.deepEqual(plain, [first, { ...begun, digest: 'b', claimedAt: T0, until: T0 + DAY }, second]);
    });
  });

  describe(`${harness.name}: sealing anew`, () => {
    const store = useStore(harness);
    const get = async ({ id }: Webhook) => (await store().getWebhooks([id]))[0]!;

    test('replaces what is sealed of a webhook and its marks, and nothing else, the version neither', async () => {
      const registered = await register(store(), { secrets: [aSecret(), aSecret({ expiresAt: T0 + DAY })] });
      const before = await get(registered);
      const once = resealed(before, 1);
      assert.deepEqual(await store().resealWebhooks([{ from: before, to: once }]), [true]);
      const after = await get(registered);
      assert.deepEqual({ ...after, effective: {} }, { ...once, effective: {} });
      assert.deepEqual(await store().resealWebhooks([{ from: after, to: resealed(after, 2) }]), [true]);
      assert.deepEqual((await get(registered)).sealedCredentials, bytes(2, 2));
    });

    test('does not undo a change that came in between', async () => {
      const registered = await register(store());
      const found = await get(registered);
      const sealed = resealed(found, 1);
      await store().resealWebhooks([{ from: found, to: sealed }]);
      const before = await get(registered);
      const spec = { ...before.spec, name: 'renamed', labels: { a: 'b' } };
      const version = before.version + 1;
      await store().updateWebhooks([{ webhook: { ...before, spec, version }, ifVersion: before.version }]);
      const pairs = [{ from: before, to: resealed(before, 3) }];
      assert.deepEqual(await store().resealWebhooks(pairs), [false], 'another version');
      const renamed = await get(registered);
      assert.equal(renamed.spec.name, 'renamed');
      const stale = { ...renamed, secrets: [aSecret({ sealed: bytes(9) })] };
      assert.deepEqual(
        await store().resealWebhooks([{ from: stale, to: resealed(stale, 3) }]),
        [false],
        'other secrets of the same version, as where some were swept',
      );
      const other = { ...renamed, sealedCredentials: bytes(9) };
      assert.deepEqual(await store().resealWebhooks([{ from: other, to: resealed(other, 3) }]), [false]);
      const { compatibilitySecret: _, ...without } = renamed;
      assert.deepEqual(await store().resealWebhooks([{ from: without, to: resealed(without, 3) }]), [false]);
      assert.deepEqual(await get(registered), renamed);
    });

    test('replaces the sealed part of a key of a namespace, only if it is the same', async () => {
      const namespace = aNamespace();
      const key = { namespace, id: 'k', publicKey: bytes(1), sealed: bytes(1), createdAt: T0 };
      await store().keepNamespaceKeys([key]);
      const to = { ...key, sealed: bytes(2) };
      assert.deepEqual(await store().resealNamespaceKeys([{ from: to, to: key }]), [false]);
      assert.deepEqual(await store().resealNamespaceKeys([{ from: key, to }]), [true]);
      assert.deepEqual(await store().keepNamespaceKeys([key]), [to]);
    });

    test('replaces an answer that is remembered, only if it is the same', async () => {
      const from = await remembered(store(), aNamespace());
      const to = { ...from, answer: bytes(3, 4) };
      assert.deepEqual(await store().resealRequests([{ from: to, to: from }]), [false]);
      assert.deepEqual(await store().resealRequests([{ from: { ...from, digest: 'x' }, to }]), [false]);
      assert.deepEqual(await store().resealRequests([{ from, to }]), [true]);
      const [found] = await store().claimRequests([{ ...from, now: T0 }]);
      assert.ok(found?.kind === 'ANSWERED');
      assert.deepEqual(bytes(...found.answer), bytes(3, 4));
    });
  });
}
