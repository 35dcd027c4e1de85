import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { aWebhook, keyOf } from '../../support/store.ts';
import { aNamespace, type Harness, publishTo, register, useStore } from './harness.ts';

/** Ids that callers give to webhooks. */
export function naming(harness: Harness): void {
  describe('ids of callers', () => {
    const store = useStore(harness);

    test('a webhook is found by the id of its caller and by its own, within its namespace', async () => {
      const webhook = await register(store(), { callerId: 'nightly' });
      const { namespace, id } = webhook;
      const found = await store().resolveWebhooks([
        { namespace, id: 'nightly' },
        { namespace, id },
        { namespace: aNamespace(), id: 'nightly' },
        { namespace: aNamespace(), id },
        { namespace, id: 'other' },
      ]);
      assert.deepEqual(found, [webhook, webhook, undefined, undefined, undefined]);
      assert.deepEqual(await store().getWebhooks([id, 'nightly']), [webhook, undefined]);
    });

    test('two namespaces use one id, and one namespace uses it once', async () => {
      const first = await register(store(), { callerId: 'shared' });
      const other = aWebhook({ namespace: aNamespace(), callerId: 'shared' });
      const second = aWebhook({ namespace: first.namespace, callerId: 'shared' });
      assert.deepEqual(await store().createWebhooks([other, second]), ['CREATED', 'EXISTS']);
      const [mine, theirs] = await store().resolveWebhooks([
        { namespace: first.namespace, id: 'shared' },
        { namespace: other.namespace, id: 'shared' },
      ]);
      assert.deepEqual([mine, theirs], [first, other]);
    });

    test('an update leaves the id as it is', async () => {
      const webhook = await register(store(), { callerId: 'kept' });
      const { callerId: _, ...without } = webhook;
      const changed = { ...without, version: 2 };
      assert.deepEqual(await store().updateWebhooks([{ webhook: changed, ifVersion: 1 }]), ['UPDATED']);
      const [found] = await store().resolveWebhooks([{ namespace: webhook.namespace, id: 'kept' }]);
      assert.equal(found?.callerId, 'kept');
    });

    test('a webhook that is registered again after it was removed is another', async () => {
      const first = await register(store(), { callerId: 'again' });
      const { namespace } = first;
      const [waiting] = await publishTo(store(), first);
      assert.deepEqual(await store().removeWebhooks([{ id: first.id, now: 1 }]), ['REMOVED']);
      assert.deepEqual(await store().resolveWebhooks([{ namespace, id: 'again' }]), [undefined]);
      const second = await register(store(), { namespace, callerId: 'again' });
      assert.deepEqual(await store().resolveWebhooks([{ namespace, id: 'again' }]), [second]);
      const delivery = await store().getDelivery(keyOf(waiting!.id));
      assert.equal(delivery?.webhookId, first.id);
      assert.equal(delivery?.webhookCallerId, 'again');
      const ofSecond = { namespace, webhookId: second.id, limit: 10 };
      assert.deepEqual(await store().listDeliveries(ofSecond), []);
    });
  });
}
