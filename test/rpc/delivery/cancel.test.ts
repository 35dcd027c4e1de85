import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code, createClient } from '@connectrpc/connect';
import { Delivery_State, DeliveryService } from '../../../gen/carillon/v1/delivery_pb.ts';
import { PreconditionFailureSchema } from '../../../gen/google/rpc/error_details_pb.ts';
import { aDeliveryThat, type Fate, settle, waitingDelivery } from '../../support/deliveries.ts';
import { refusal, sharedApi, violations } from '../../support/rpc.ts';
import { aPublication, aWebhook, testId } from '../../support/store.ts';

describe('CancelDeliveries', () => {
  const api = sharedApi();

  it('marks what waits and a filter lets through, and nothing else', async () => {
    const webhook = aWebhook();
    await api().store.createWebhooks([webhook]);
    const of = (fate: Fate) => aDeliveryThat(api().store, webhook.id, fate);
    const [first, , , kept] = [
      await of({ type: 'a' }),
      await of({ type: 'a' }),
      await of({ type: 'a', status: 200 }),
      await of({ type: 'b' }),
    ];
    const filter = `webhook_id = ${webhook.id} AND event_type = a`;
    const cancel = (more: object = {}) => api().deliveries.cancelDeliveries({ filter, ...more });
    const endings = async () =>
      Promise.all(
        [first, kept].map(async (id) => (await waitingDelivery(api().store, webhook.id, id!)).ending),
      );
    assert.equal((await cancel({ validateOnly: true })).count, 2);
    assert.deepEqual(await endings(), [undefined, undefined]);
    const { count, nextPageToken } = await cancel();
    assert.deepEqual([count, nextPageToken], [2, '']);
    assert.deepEqual(await endings(), ['REQUESTED', undefined]);
  });

  it('goes through a backlog that is larger than a call, each delivery once', async () => {
    const webhook = aWebhook();
    await api().store.createWebhooks([webhook]);
    for (let batch = 0; batch < 6; batch++) {
      await api().store.publish([aPublication(Array.from({ length: 2_000 }, () => webhook.id))]);
    }
    const counts: number[] = [];
    let pageToken = '';
    do {
      const answer = await api().deliveries.cancelDeliveries({
        filter: `webhook_id = ${webhook.id}`,
        pageToken,
      });
      counts.push(answer.count);
      pageToken = answer.nextPageToken;
    } while (pageToken !== '');
    // What others have waiting in the same list is looked at, too.
    assert.ok(counts[0]! > 9_900 && counts[0]! <= 10_000, String(counts));
    assert.deepEqual([counts.length, counts[0]! + counts[1]!], [2, 12_000]);
  });

  it('refuses a request without a filter, and one that cannot be read', async () => {
    for (const [filter, says] of [
      ['', /./],
      ['state = ', /^at its end: expected a value/],
    ] as const) {
      const found = await violations(api().deliveries.cancelDeliveries({ filter }));
      assert.match(found.filter ?? '', says);
    }
  });
});

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
