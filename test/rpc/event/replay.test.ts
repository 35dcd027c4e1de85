import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '@connectrpc/connect';
import { refusal, sharedApi, startApi, violations } from '../../support/rpc.ts';
import { T0 } from '../../support/store.ts';

const DESTINATION = 'http://127.0.0.1:9999/hook';
const second = (at: number) => ({ seconds: BigInt(T0 / 1000 + at) });
const range = (startTime = second(0)) => ({ case: 'range', value: { startTime } }) as const;
const ids = (...all: string[]) => ({ case: 'ids', value: { ids: all } }) as const;

describe('ReplayEvents', () => {
  const api = sharedApi();
  const register = async (name: string, eventTypes: string[]) =>
    (await api().webhooks.register({ webhook: { name, destination: DESTINATION, eventTypes } })).webhook
      ?.id ?? '';
  const waiting = async (webhookId: string) =>
    (await api().deliveries.listDeliveries({ filter: `webhook_id = ${webhookId}` })).deliveries;

  it('sends events again to those who had them, as new deliveries that point to the old ones', async () => {
    const webhookId = await register('again', ['again']);
    await api().events.publish({ event: { id: 'again-1', type: 'again' } });
    const [old] = await waiting(webhookId);
    const { eventCount, deliveryCount } = await api().events.replayEvents({ events: ids('again-1') });
    assert.deepEqual([eventCount, deliveryCount], [1, 1]);
    const made = (await waiting(webhookId)).filter(({ id }) => id !== old?.id);
    assert.deepEqual(
      made.map(({ replayOf, eventId }) => [replayOf, eventId]),
      [[old?.id, 'again-1']],
    );
  });

  it('gives a new webhook a history, of what its filter lets through', async () => {
    for (const amount of [50, 150]) {
      const data = { case: 'text', value: `{"amount":${amount}}` } as const;
      await api().events.publish({ event: { type: 'history', contentType: 'application/json', data } });
    }
    const webhookId = await register('newcomer', []);
    const order = {
      events: range(),
      filter: 'event.type == "history" && event.data.amount > 100',
      webhookId,
    };
    const counted = await api().events.replayEvents({ ...order, validateOnly: true });
    assert.deepEqual([counted.eventCount, counted.deliveryCount], [1, 1]);
    assert.deepEqual(await waiting(webhookId), []);
    await api().events.replayEvents(order);
    assert.equal((await waiting(webhookId)).length, 1);
  });

  it('names everything that is wrong at once', async () => {
    const found = await violations(
      api().events.replayEvents({
        events: { case: 'range', value: { startTime: second(5), endTime: second(5), type: 'or*er' } },
        filter: '1 +',
      }),
    );
    assert.deepEqual(Object.keys(found).sort(), ['filter', 'range.end_time', 'range.type']);
    assert.deepEqual(await violations(api().events.replayEvents({})), {
      events: 'one of range, ids is required',
    });
    const nothing = await violations(api().events.replayEvents({ events: { case: 'range', value: {} } }));
    assert.deepEqual(Object.keys(nothing), ['range.start_time']);
  });

  it('is NOT_FOUND for a webhook that there is not', async () => {
    const error = await refusal(api().events.replayEvents({ events: ids('a'), webhookId: 'wh_none' }));
    assert.equal(error.code, Code.NotFound);
    const from = await refusal(api().events.replayEvents({ events: ids('a'), deliveredTo: 'wh_none' }));
    assert.equal(from.code, Code.NotFound);
  });

  it('takes what was published in a range, and of that what one webhook had, to another', async () => {
    await using own = await startApi();
    const registered = async (name: string, ...eventTypes: string[]) =>
      (await own.webhooks.register({ webhook: { name, destination: DESTINATION, eventTypes } })).webhook!.id;
    const had = await registered('had', 'part.*', 'other');
    const heir = await registered('heir');
    const publish = (id: string, type: string) => own.events.publish({ event: { id, type } });
    await publish('before', 'part.a');
    own.clock.advance(1_000);
    await publish('first', 'part.a');
    await publish('of-another-type', 'other');
    await own.webhooks.update({
      webhook: { id: had, eventTypes: ['part.a'] },
      updateMask: { paths: ['event_types'] },
    });
    await publish('not-delivered', 'part.b');
    own.clock.advance(7_999);
    await publish('last', 'part.a');
    own.clock.advance(1);
    await publish('after', 'part.a');
    await own.webhooks.remove({ id: had });

    const value = { startTime: second(1), endTime: second(9), type: 'part.*' };
    const { eventCount, deliveryCount, nextStartTime } = await own.events.replayEvents({
      events: { case: 'range', value },
      deliveredTo: had,
      webhookId: heir,
    });
    assert.deepEqual([eventCount, deliveryCount, nextStartTime], [2, 2, undefined]);
    const { deliveries } = await own.deliveries.listDeliveries({ filter: `webhook_id = ${heir}` });
    assert.deepEqual(deliveries.map(({ eventId }) => eventId).sort(), ['first', 'last']);
  });

  it('says from when to go on after ten thousand events', async () => {
    await using own = await startApi();
    const thousand = Array.from({ length: 1_000 }, () => ({ event: { type: 'many' } }));
    for (let i = 0; i < 10; i++) await own.events.publishBatch({ requests: thousand });
    own.clock.advance(5_250);
    await own.events.publish({ event: { type: 'many' } });
    const answer = await own.events.replayEvents({ events: range(), validateOnly: true });
    assert.equal(answer.eventCount, 10_000);
    const { seconds, nanos } = answer.nextStartTime ?? {};
    assert.deepEqual([seconds, nanos], [BigInt(T0 / 1000) + 5n, 250_000_000]);
    const rest = await own.events.replayEvents({
      events: { case: 'range', value: { startTime: answer.nextStartTime! } },
      validateOnly: true,
    });
    assert.deepEqual([rest.eventCount, rest.nextStartTime], [1, undefined]);
  });
});
