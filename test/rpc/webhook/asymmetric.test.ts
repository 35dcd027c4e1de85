import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { startApi } from '../../support/rpc.ts';
import { aTenant } from '../../support/store.ts';

describe('asymmetric_signature', () => {
  it('makes the key of a namespace with the first webhook that has it, by Register or by Update', async () => {
    await using api = await startApi();
    const { store, webhooks } = api;
    await store.createNamespaces([aTenant('shop')]);
    const keysOf = async () =>
      (await store.listNamespaceKeys({ after: '', limit: 10 })).map(({ namespace }) => namespace);
    const webhook = { name: 'a', destination: 'http://127.0.0.1:9999/a' };
    const signed = { ...webhook, asymmetricSignature: true };

    await webhooks.register({ webhook });
    await webhooks.register({ webhook: signed, validateOnly: true });
    assert.deepEqual(await keysOf(), []);
    await webhooks.register({ webhook: signed });
    assert.deepEqual(await keysOf(), ['default']);

    const { webhook: made } = await webhooks.register({ webhook: { ...webhook, namespace: 'shop' } });
    const { id, namespace } = made!;
    await webhooks.update({ webhook: { id, namespace, asymmetricSignature: true } });
    assert.deepEqual(await keysOf(), ['default', 'shop']);
  });
});
