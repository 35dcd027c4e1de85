import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { T0 } from '../../support/store.ts';
import { aNamespace, everyPage, type Harness, useStore } from './harness.ts';

export function namespaceKeys(harness: Harness): void {
  describe(`${harness.name}: keys of namespaces`, () => {
    const store = useStore(harness);
    const aKey = (namespace: string, byte = 1) => ({
      namespace,
      id: `key-${namespace}-${byte}`,
      publicKey: new Uint8Array(32).fill(byte),
      sealed: new Uint8Array([0, 255, byte]),
      createdAt: T0 + byte,
    });

    test('a namespace keeps the first that it is given, also within a batch', async () => {
      const [one, two] = [aNamespace(), aNamespace()];
      assert.deepEqual(await store().keepNamespaceKeys([aKey(one, 1), aKey(one, 2), aKey(two, 3)]), [
        aKey(one, 1),
        aKey(one, 1),
        aKey(two, 3),
      ]);
      assert.deepEqual(await store().keepNamespaceKeys([aKey(one, 4)]), [aKey(one, 1)]);
    });

    test('all of them are listed, page by page', async () => {
      const names = [aNamespace(), aNamespace(), aNamespace()];
      await store().keepNamespaceKeys(names.map((name) => aKey(name)));
      const pages = await everyPage((last: { readonly namespace: string } | undefined) =>
        store().listNamespaceKeys({ after: last?.namespace ?? '', limit: 2 }),
      );
      const all = pages.flat().map(({ namespace }) => namespace);
      assert.deepEqual(all, all.toSorted());
      for (const name of names) assert.ok(all.includes(name));
      assert.ok(pages.every((page) => page.length <= 2));
    });
  });
}
