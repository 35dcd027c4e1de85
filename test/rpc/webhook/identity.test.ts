import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '@connectrpc/connect';
import { ErrorInfoSchema, ResourceInfoSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { refusal, sharedApi, violations } from '../../support/rpc.ts';

const UID = /^wh_[0-9A-Z]{26}$/;

describe('The id of a webhook', () => {
  const api = sharedApi();

  function register(webhook: Record<string, unknown>) {
    return api().webhooks.register({ webhook: { destination: 'http://127.0.0.1:9999/', ...webhook } });
  }

  it('is its uid when the caller gives none', async () => {
    const { webhook } = await register({ name: 'plain' });
    assert.match(webhook!.id, UID);
    assert.equal(webhook!.uid, webhook!.id);
  });

  it('is the one that the caller gives, beside a uid, and both name it everywhere', async () => {
    const { webhook, created } = await register({ id: 'billing', name: 'billing' });
    assert.ok(created);
    assert.equal(webhook!.id, 'billing');
    assert.match(webhook!.uid, UID);
    for (const id of ['billing', webhook!.uid]) {
      assert.equal((await api().webhooks.get({ id })).webhook!.id, 'billing');
      await api().webhooks.pause({ id });
      await api().webhooks.resume({ id });
      const { deliveryId } = await api().webhooks.trigger({ id });
      const { delivery } = await api().deliveries.getDelivery({ id: deliveryId });
      assert.deepEqual([delivery!.webhookId, delivery!.webhookUid], ['billing', webhook!.uid]);
      const { deliveries } = await api().deliveries.listDeliveries({ filter: `webhook_id = ${id}` });
      assert.ok(deliveries.some((each) => each.id === deliveryId));
      const filtered = await api().deliveries.listDeliveries({ filter: `webhook_id = "${id}"` });
      assert.equal(filtered.deliveries.length, deliveries.length);
    }
  });

  it('is in the errors about it, however it was asked for', async () => {
    const { webhook } = await register({ id: 'refused', name: 'refused' });
    await api().webhooks.pause({ id: 'refused' });
    for (const id of ['refused', webhook!.uid]) {
      for (const call of [api().webhooks.trigger({ id }), api().webhooks.resume({ id, etag: 'stale' })]) {
        const error = await refusal(call);
        assert.match(error.rawMessage, /^webhook refused /);
        assert.equal(error.findDetails(ErrorInfoSchema)[0]?.metadata.id, 'refused');
        assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceName, 'refused');
      }
    }
  });

  it('names what is registered again, its name and destination included', async () => {
    const first = await register({ id: 'moving', name: 'moving', destination: 'http://127.0.0.1:9998/old' });
    const again = await register({ id: 'moving', name: 'moved', destination: 'http://127.0.0.1:9998/new' });
    assert.equal(again.created, false);
    assert.equal(again.webhook!.uid, first.webhook!.uid);
    assert.equal(again.webhook!.destination, 'http://127.0.0.1:9998/new');
    assert.equal((await api().webhooks.list({ filter: 'name = moving' })).webhooks.length, 0);
    assert.equal(
      (await register({ id: 'moving', name: 'moved', destination: 'http://127.0.0.1:9998/new' })).webhook!
        .etag,
      again.webhook!.etag,
    );
  });

  it('can be the uid of one that was registered without', async () => {
    const { webhook } = await register({ name: 'adopted', destination: 'http://127.0.0.1:9997/a' });
    const changed = await register({
      id: webhook!.uid,
      name: 'adopted',
      destination: 'http://127.0.0.1:9997/b',
    });
    assert.deepEqual([changed.created, changed.webhook!.uid], [false, webhook!.uid]);
  });

  it('is refused when it is of our own form and nothing has it, too long, or oddly written', async () => {
    for (const [id, words] of [
      [
        'wh_01KDVDPC00000000000000000Z',
        /has the form of an id made by Carillon, and there is no such webhook/,
      ],
      ['a'.repeat(64), /63/],
      ['Billing', /lower-case letters, digits and hyphens/],
      ['-billing', /with a letter or digit first and last/],
      ['a_b', /lower-case letters/],
    ] as const) {
      const found = await violations(register({ id, name: 'odd' }));
      assert.match(found['webhook.id'] ?? JSON.stringify(found), words);
    }
  });

  it('does not take the name and the destination from another, which is named', async () => {
    await register({ id: 'holder', name: 'taken', destination: 'http://127.0.0.1:9996/' });
    for (const validateOnly of [false, true]) {
      const webhook = { id: 'wanter', name: 'taken', destination: 'http://127.0.0.1:9996/' };
      const error = await refusal(api().webhooks.register({ webhook, validateOnly }));
      assert.equal(error.code, Code.AlreadyExists);
      assert.match(error.rawMessage, /^webhook holder has the name "taken" and the destination/);
      assert.equal(error.findDetails(ResourceInfoSchema)[0]?.resourceName, 'holder');
    }
    await register({ id: 'mover', name: 'mover', destination: 'http://127.0.0.1:9996/' });
    const error = await refusal(
      api().webhooks.update({ webhook: { id: 'mover', name: 'taken' }, updateMask: { paths: ['name'] } }),
    );
    assert.match(error.rawMessage, /^webhook holder has the name/);
  });

  it('goes with an etag, which must be that of now', async () => {
    const { webhook } = await register({ id: 'fenced', name: 'fenced' });
    const labels = { a: 'b' };
    const changed = await register({ id: 'fenced', name: 'fenced', labels, etag: webhook!.etag });
    assert.notEqual(changed.webhook!.etag, webhook!.etag);
    const stale = await refusal(register({ id: 'fenced', name: 'fenced', etag: webhook!.etag }));
    assert.equal(stale.code, Code.Aborted);
    await api().webhooks.remove({ id: 'fenced' });
    const gone = await refusal(register({ id: 'fenced', name: 'fenced', etag: changed.webhook!.etag }));
    assert.equal(gone.code, Code.Aborted);
    assert.match(gone.rawMessage, /was removed since it had etag/);
  });

  it('belongs to another webhook after it was removed and registered again', async () => {
    const first = await register({ id: 'phoenix', name: 'phoenix' });
    const { deliveryId } = await api().webhooks.trigger({ id: 'phoenix' });
    assert.deepEqual((await api().webhooks.remove({ id: 'phoenix' })).ids, ['phoenix']);
    const second = await register({ id: 'phoenix', name: 'phoenix' });
    assert.equal(second.created, true);
    assert.notEqual(second.webhook!.uid, first.webhook!.uid);
    const { delivery } = await api().deliveries.getDelivery({ id: deliveryId });
    assert.equal(delivery!.webhookUid, first.webhook!.uid);
    assert.deepEqual(
      (await api().deliveries.listDeliveries({ filter: 'webhook_id = phoenix' })).deliveries,
      [],
    );
    const former = await api().deliveries.listDeliveries({ filter: `webhook_id = ${first.webhook!.uid}` });
    assert.deepEqual(
      former.deliveries.map(({ id }) => id),
      [deliveryId],
    );
  });

  it('has no uid, and no id but the caller’s, when it is only validated', async () => {
    const webhook = { id: 'maybe', name: 'maybe', destination: 'http://127.0.0.1:9995/' };
    const answer = await api().webhooks.register({ webhook, validateOnly: true });
    assert.deepEqual([answer.webhook!.id, answer.webhook!.uid, answer.created], ['maybe', '', true]);
    assert.equal((await refusal(api().webhooks.get({ id: 'maybe' }))).code, Code.NotFound);
  });
});
