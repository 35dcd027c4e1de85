import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, createClient } from '@connectrpc/connect';
import { Delivery_State, DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { PreconditionFailureSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { aDeliveryThat, type Fate, settle, waitingDelivery } from '../../support/deliveries.ts';
import { refusal, sharedApi } from '../../support/rpc.ts';
import { aPublication, aWebhook, testId } from '../../support/store.ts';

describe('CancelDelivery', () => {
  const api = sharedApi();

  async function put(fate: Fate = {}): Promise<{ webhookId: string; id: string }> {
    const webhook = aWebhook();
    await api().store.createWebhooks([webhook]);
    return { webhookId: webhook.id, id: await aDeliveryThat(api().store, webhook.id, fate) };
  }

  it('marks one that waits, answers at once with it as it is, and leaves the rest to whoever sends', async () => {
    for (const transport of Object.values(api().transports)) {
      const { webhookId, id } = await put();
      const { delivery } = await createClient(DeliveryService, transport).cancelDelivery({ id });
      assert.deepEqual([delivery?.id, delivery?.state], [id, Delivery_State.PENDING]);
      assert.equal((await waitingDelivery(api().store, webhookId, id)).ending, 'REQUESTED');
      await settle(api().store, webhookId, id, { to: 'CANCELLED', reason: 'REQUESTED' });
      const after = (await api().deliveries.getDelivery({ id })).delivery;
      assert.deepEqual([after?.state, after?.stateReason], [Delivery_State.CANCELLED, 'REQUESTED']);
    }
  });

  it('may be asked for twice', async () => {
    const { id } = await put();
    await api().deliveries.cancelDelivery({ id });
    assert.equal((await api().deliveries.cancelDelivery({ id })).delivery?.id, id);
  });

  it('does not cancel one that is finished, and says how it ended', async () => {
    const { id } = await put({ status: 200 });
    const error = await refusal(api().deliveries.cancelDelivery({ id }));
    assert.equal(error.code, Code.FailedPrecondition);
    assert.match(error.rawMessage, /is SUCCEEDED already; only a PENDING delivery can be cancelled/);
    assert.equal(error.findDetails(PreconditionFailureSchema)[0]?.violations[0]?.subject, id);
  });

  it('knows none that there is not, and none of another namespace', async () => {
    const theirs = aWebhook({ namespace: 'acme' });
    await api().store.createWebhooks([theirs]);
    const publication = aPublication([theirs.id], { event: { namespace: 'acme' } });
    await api().store.publish([publication]);
    for (const id of [testId('delivery'), publication.deliveries[0]?.id ?? '']) {
      assert.equal((await refusal(api().deliveries.cancelDelivery({ id }))).code, Code.NotFound);
    }
  });
});
