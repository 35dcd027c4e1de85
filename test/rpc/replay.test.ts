import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Code } from '@connectrpc/connect';
import type { ReplayOrder } from '../../src/publish/replay.ts';
import { refusal, sharedApi, startApi, violations } from '../support/rpc.ts';
import { T0 } from '../support/store.ts';

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
    (await api().deliveries.listDeliveries({ webhookId })).deliveries;

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
        namespace: 'acme',
        events: { case: 'range', value: { startTime: second(5), endTime: second(5), type: 'or*er' } },
        filter: '1 +',
      }),
    );
    assert.deepEqual(Object.keys(found).sort(), ['filter', 'namespace', 'range.end_time', 'range.type']);
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

  it('hands on a range as it was asked for, and says where to go on', async () => {
    const orders: ReplayOrder[] = [];
    await using stub = await startApi({
      deps: (deps) => ({
        ...deps,
        replayer: {
          replay: async (order) => {
            orders.push(order);
            return { events: 10_000, deliveries: 7, nextSince: T0 + 5_250 };
          },
        },
      }),
    });
    const webhook = { name: 'heir', destination: DESTINATION, eventTypes: ['none'] };
    const heir = (await stub.webhooks.register({ webhook })).webhook?.id ?? '';
    const answer = await stub.events.replayEvents({
      events: { case: 'range', value: { startTime: second(1), endTime: second(9), type: 'order.*' } },
      deliveredTo: 'wh_gone',
      webhookId: heir,
      validateOnly: true,
    });
    assert.deepEqual(orders, [
      {
        namespace: 'default',
        events: { since: T0 + 1000, until: T0 + 9000, type: { prefix: 'order.' } },
        deliveredTo: 'wh_gone',
        webhookId: heir,
        validateOnly: true,
      },
    ]);
    assert.deepEqual([answer.eventCount, answer.deliveryCount], [10_000, 7]);
    const { seconds, nanos } = answer.nextStartTime ?? {};
    assert.deepEqual([seconds, nanos], [BigInt(T0 / 1000) + 5n, 250_000_000]);
  });
});
