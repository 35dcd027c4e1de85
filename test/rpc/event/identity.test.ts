import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '@connectrpc/connect';
import { type RunningApi, refusal, startApi, violations } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

const DAY_MS = 86_400_000;
const ids = (...all: string[]) => ({ case: 'ids', value: { ids: all } }) as const;
const since = (type: string) =>
  ({ case: 'range', value: { startTime: { seconds: 0n, nanos: 0 }, type } }) as const;
const text = (value: string) => ({ case: 'text', value }) as const;

/** A webhook for `order.paid` and one for `invoice.made`, which each have had one event. */
async function opened(): Promise<RunningApi & { readonly a: string; readonly b: string }> {
  const api = await startApi();
  const register = async (name: string, type: string) => {
    const webhook = { id: name, name, destination: 'http://127.0.0.1:9999/hook', eventTypes: [type] };
    return (await api.webhooks.register({ webhook })).webhook!.id;
  };
  return { ...api, a: await register('a', 'order.paid'), b: await register('b', 'invoice.made') };
}

const deliveriesOf = async (api: RunningApi, eventId: string) =>
  (await api.deliveries.listDeliveries({ filter: `event_id = "${eventId}"` })).deliveries;
const webhooksOf = async (api: RunningApi, eventId: string) =>
  (await deliveriesOf(api, eventId)).map(({ webhookId }) => webhookId);

describe('an event that is named after one that it follows from', () => {
  it('is told to take another id', async () => {
    await using api = await opened();
    const { id } = await api.events.publish({ event: { type: 'order.paid' } });
    const found = await violations(api.events.publish({ event: { id, type: 'invoice.made' } }));
    assert.deepEqual(Object.keys(found), ['event.id']);
    assert.match(found['event.id']!, new RegExp(`follow-up-${id}`));
    const { results } = await api.events.publishBatch({
      requests: [
        { event: { id, type: 'invoice.made' } },
        { event: { id: `follow-up-${id}`, type: 'invoice.made' } },
      ],
    });
    assert.deepEqual(
      results.map(({ result }) => result.case),
      ['error', 'response'],
    );
  });

  it('keeps its own deliveries, and gets none of the other', async () => {
    await using api = await opened();
    const { id } = await api.events.publish({ event: { type: 'order.paid' } });
    const follow = `follow-up-${id}`;
    await api.events.publish({ event: { id: follow, type: 'invoice.made' } });
    api.clock.advance(1);
    assert.equal((await api.events.replayEvents({ events: since('order.*') })).deliveryCount, 1);
    assert.equal((await api.events.replayEvents({ events: ids(id), deliveredTo: 'b' })).eventCount, 0);
    assert.deepEqual(await webhooksOf(api, id), ['a', 'a']);
    assert.deepEqual(await webhooksOf(api, follow), ['b']);
    const [replay, original] = await deliveriesOf(api, id);
    assert.equal(replay!.replayOf, original!.id);
    assert.equal((await api.events.purgeEvent({ id })).cancelledCount, 2);
    assert.equal((await api.events.getEvent({ id: follow })).event?.purged, false);
  });
});

describe('an id of a caller', () => {
  const event = { id: 'order-7', type: 'order.paid', data: text('a') };
  const other = { id: 'order-7', type: 'invoice.made', data: text('a') };

  /** Lets everything finish that waits, and sweeps what is older than `before`. */
  async function finishAndSweep(api: RunningApi, webhookId: string, before: number): Promise<void> {
    const uid = (await api.webhooks.get({ id: webhookId })).webhook!.uid;
    const [lane] = await api.store.topUp([{ webhookId: uid, limit: 100, ordered: false }]);
    const settled = lane!.deliveries.map((delivery) => ({
      delivery,
      transition: { to: 'SUCCEEDED' } as const,
      now: before - 1,
    }));
    await api.store.settle(settled, []);
    const query = { now: api.clock.now(), finishedBefore: before, payloadsBefore: 0 };
    while ((await api.store.sweep(query)) > 0);
  }

  it('names its event for as long as that is kept, also after the idempotency window', async () => {
    await using api = await opened();
    await api.events.publish({ event });
    api.clock.advance(2 * DAY_MS);
    const again = await api.events.publish({ event });
    assert.deepEqual([again.duplicate, again.deliveryCount], [true, 1]);
    const error = await refusal(api.events.publish({ event: other }));
    assert.equal(error.code, Code.AlreadyExists);
    assert.deepEqual(await webhooksOf(api, 'order-7'), ['a']);
    const [original] = await deliveriesOf(api, 'order-7');
    for (const deliveredTo of ['', 'a']) {
      api.clock.advance(1);
      const { eventCount } = await api.events.replayEvents({ events: since('order.*'), deliveredTo });
      assert.equal(eventCount, 1);
      const [newest] = await deliveriesOf(api, 'order-7');
      assert.deepEqual([newest?.webhookId, newest?.replayOf], ['a', original?.id]);
    }
    assert.deepEqual(await webhooksOf(api, 'order-7'), ['a', 'a', 'a']);
  });

  it('stays taken for the idempotency window when its event is gone', async () => {
    await using api = await opened();
    await api.events.publish({ event });
    await finishAndSweep(api, 'a', T0 + 1);
    assert.equal((await refusal(api.events.getEvent({ id: 'order-7' }))).code, Code.NotFound);
    assert.equal((await refusal(api.events.purgeEvent({ id: 'order-7' }))).code, Code.NotFound);
    assert.deepEqual(await deliveriesOf(api, 'order-7'), []);
    assert.equal((await refusal(api.events.publish({ event: other }))).code, Code.AlreadyExists);
    assert.equal((await api.events.publish({ event })).duplicate, true);
  });

  it('can be given to another event then, which has nothing of the first', async () => {
    await using api = await opened();
    await api.events.publish({ event });
    await finishAndSweep(api, 'a', T0 + 1);
    api.clock.advance(DAY_MS);
    assert.equal((await api.events.publish({ event: other })).duplicate, false);
    assert.equal((await api.events.getEvent({ id: 'order-7' })).event?.type, 'invoice.made');
    const replayed = await api.events.replayEvents({ events: ids('order-7') });
    assert.deepEqual([replayed.eventCount, replayed.deliveryCount], [1, 1]);
    assert.deepEqual(await webhooksOf(api, 'order-7'), ['b', 'b']);
    assert.equal((await api.events.replayEvents({ events: since('order.*') })).eventCount, 0);
  });
});

describe('the content that is compared', () => {
  it('has times as they were given, though they are kept to the millisecond', async () => {
    await using api = await opened();
    const publish = (nanos: number, deliverNanos = 0) =>
      api.events.publish({
        event: { id: 'exact', type: 'x', time: { seconds: 1n, nanos } },
        due: { case: 'deliverTime', value: { seconds: 1n, nanos: deliverNanos } },
      });
    await publish(5_000_001);
    assert.equal((await publish(5_000_001)).duplicate, true);
    for (const [nanos, deliverNanos] of [
      [5_000_000, 0],
      [5_000_002, 0],
      [5_000_001, 1],
    ] as const) {
      assert.equal((await refusal(publish(nanos, deliverNanos))).code, Code.AlreadyExists);
    }
    assert.equal((await api.events.getEvent({ id: 'exact' })).event?.time?.nanos, 5_000_000);
  });
});
