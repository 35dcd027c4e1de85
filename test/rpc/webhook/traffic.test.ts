import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Webhook, WebhookView } from '../../../gen/carillon/v1/webhook_pb.ts';
import { aDeliveryThat } from '../../support/deliveries.ts';
import { sharedApi } from '../../support/rpc.ts';
import { aPublication, T0 } from '../../support/store.ts';

const { BASIC, FULL } = WebhookView;

describe('how it goes with the deliveries of a webhook', () => {
  const api = sharedApi();
  const register = async (id: string) =>
    (
      await api().webhooks.register({
        webhook: { id, name: id, destination: 'http://127.0.0.1:9999/hook', eventTypes: [id] },
      })
    ).webhook!;
  const list = async (view: WebhookView) =>
    (await api().webhooks.list({ filter: 'name = "in-*"', view })).webhooks;
  const toldOf = ({ traffic }: Webhook) =>
    traffic && [Number(traffic.waitingCount), traffic.lastResponseStatus, traffic.lastDeliveryId];

  it('is in answers to Get, and in those to BatchGet and List with view FULL', async () => {
    const failing = await register('in-trouble');
    await register('in-order');
    const id = await aDeliveryThat(api().store, failing.uid, {
      status: 503,
      to: { to: 'PENDING', dueAt: T0 + 60_000 },
    });
    await aDeliveryThat(api().store, failing.uid);
    const expected = [2, 503, id];
    const ids = ['in-trouble', 'in-order'];
    const { webhook } = await api().webhooks.get({ id: 'in-trouble' });
    assert.deepEqual(toldOf(webhook!), expected);
    assert.ok(webhook!.traffic!.lastAttemptTime);
    const many = (await api().webhooks.batchGet({ ids, view: FULL })).webhooks;
    const byName = (webhooks: readonly Webhook[]) => webhooks.toSorted((a, b) => (a.name < b.name ? 1 : -1));
    for (const found of [many, byName(await list(FULL))]) {
      assert.deepEqual(found.map(toldOf), [expected, [0, 0, '']]);
      assert.equal(found[1]?.traffic?.lastAttemptTime, undefined);
    }
    const short = [...(await list(BASIC)), ...(await api().webhooks.batchGet({ ids })).webhooks];
    assert.deepEqual(short.map(toldOf), [undefined, undefined, undefined, undefined]);
    const answer = await fetch(`${api().url}/webhooks?filter=name%3Din-trouble`);
    const plain = (await answer.json()) as { webhooks: readonly Record<string, unknown>[] };
    assert.deepEqual(
      plain.webhooks.map((each) => [each.name, 'traffic' in each]),
      [['in-trouble', false]],
    );
  });

  it('is ignored in requests', async () => {
    const { uid } = await register('in-requests');
    const { webhook } = await api().webhooks.update({
      webhook: {
        id: 'in-requests',
        name: 'in-requests',
        traffic: { waitingCount: 9n, lastResponseStatus: 500 },
      },
      updateMask: { paths: ['name', 'traffic'] },
    });
    assert.equal(webhook!.uid, uid);
    const read = (await api().webhooks.get({ id: 'in-requests' })).webhook!;
    assert.deepEqual(toldOf(read), [0, 0, '']);
  });

  it('costs a page no more where ten thousand deliveries wait', async () => {
    const busy = await register('in-a-crowd');
    for (let i = 0; i < 10_000; i += 5_000) {
      const event = { type: 'crowd' };
      await api().store.publish(Array.from({ length: 5_000 }, () => aPublication([busy.uid], { event })));
    }
    // A page of webhooks, of which each is the one with the crowd.
    const begun = performance.now();
    const all = await api().store.getTraffic(Array.from({ length: 1_000 }, () => busy.uid));
    const ms = performance.now() - begun;
    assert.equal(all.at(-1)?.waiting, 10_000);
    // Counting them would take a second and more.
    assert.ok(ms < 200, `${ms} ms`);
  });
});
