import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { emptyLane } from '../../src/dispatch/lane.ts';
import { createShards } from '../../src/dispatch/shards.ts';
import { shardOf } from '../../src/domain/cluster/shard.ts';
import type { WaitingPoll } from '../../src/store/store.ts';
import { aWaitingDelivery } from '../support/deliveries.ts';
import { heldSender } from '../support/held-sender.ts';
import { openPipeline, until } from '../support/pipeline.ts';

const DESTINATION = 'http://127.0.0.1:8399/';

describe('a shard that is given up', () => {
  it('sends nothing more, and goes on where it is taken again', async () => {
    const sender = heldSender();
    sender.answerAll(200);
    await using pipeline = await openPipeline({ sender });
    const { dispatcher } = pipeline;
    const mine = await pipeline.register({ destination: `${DESTINATION}mine` });
    const other = await pipeline.register({ destination: `${DESTINATION}other` });
    const shard = shardOf(mine.id);
    await dispatcher.give([shard]);
    assert.equal(dispatcher.holds(shard), false);
    assert.equal(dispatcher.shards.has(shard), false);
    await pipeline.publish(mine, ['waits']);
    if (shardOf(other.id) !== shard) {
      await pipeline.publish(other, ['goes']);
      await pipeline.finished(other);
    } else await dispatcher.tick();
    assert.ok(sender.sent.every(({ destination }) => destination !== mine.effective.destination));
    await dispatcher.take([shard]);
    const [delivery] = await pipeline.finished(mine);
    assert.equal(delivery?.state, 'SUCCEEDED');
  });

  it('is kept until what is in flight is settled', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION });
    await pipeline.publish(webhook, ['one', 'two']);
    const requests = await sender.sending(2);
    let isGiven = false;
    const given = pipeline.dispatcher.give([shardOf(webhook.id)]).then(() => {
      isGiven = true;
    });
    requests[0]!.answer(200);
    await until(async () => {
      const states = await pipeline.store.listDeliveries({
        namespace: 'default',
        webhookId: webhook.id,
        limit: 9,
      });
      return states.some(({ state }) => state === 'SUCCEEDED') || undefined;
    });
    assert.equal(isGiven, false);
    requests[1]!.answer(200);
    await given;
    assert.ok((await pipeline.finished(webhook)).every(({ state }) => state === 'SUCCEEDED'));
  });

  it('goes after five seconds all the same, with what is in flight written down', async (t) => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: DESTINATION });
    const [id] = await pipeline.publish(webhook, ['one']);
    const [request] = await sender.sending(1);
    const { mock } = t.mock.method(pipeline.store, 'giveUp');
    await quickly(t, () => pipeline.dispatcher.give([shardOf(webhook.id)]));
    const [{ held } = assert.fail()] = mock.calls[0]!.arguments;
    assert.deepEqual(
      held.map(({ delivery, leftMs }) => [delivery.id, leftMs]),
      [[id, 2_000 + 10_000]],
    );
    // It stays its own to settle.
    request!.answer(200);
    const [delivery] = await pipeline.finished(webhook);
    assert.deepEqual([delivery?.state, delivery?.attemptCount], ['SUCCEEDED', 1]);
  });

  it('is to be given up again where that failed, and is not acted on meanwhile', async (t) => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const { dispatcher, store } = pipeline;
    const refused = t.mock.method(store, 'giveUp', () => Promise.reject(new Error('away')));
    await assert.rejects(dispatcher.give([5]), /away/);
    assert.deepEqual(
      [[...dispatcher.giving], dispatcher.holds(5), dispatcher.shards.has(5)],
      [[5], false, true],
    );
    refused.mock.restore();
    await dispatcher.give([...dispatcher.giving]);
    assert.deepEqual([[...dispatcher.giving], dispatcher.shards.has(5)], [[], false]);
  });
});

/** Time passes quickly while something is done: what sleeps is woken at once. */
async function quickly(t: TestContext, work: () => Promise<void>): Promise<void> {
  const { setTimeout } = globalThis;
  const mock = t.mock.method(globalThis, 'setTimeout', (run: () => void, ms?: number) =>
    setTimeout(run, (ms ?? 0) / 100),
  );
  await work();
  mock.mock.restore();
}

const POLLED: WaitingPoll = { deliveries: [], events: [], topUp: [], retried: [] };

/** Shards whose store and reads note what they are asked, and answer as told. */
function someShards(held = [aWaitingDelivery(7)]) {
  const asked: string[] = [];
  const world = { asked, poll: async (): Promise<WaitingPoll> => POLLED };
  const lane = emptyLane('webhook', 0, { waiting: 0 });
  const touched: unknown[] = [];
  const shards = createShards({
    store: {
      async acquire({ shards: wanted }) {
        asked.push(`acquire ${wanted}`);
        return { taken: wanted, held };
      },
      async giveUp({ held: flying }) {
        asked.push(`give up with ${flying.map(({ delivery }) => delivery.ord)}`);
      },
    },
    node: 'me',
    lanes: {
      of: () => lane,
      all: () => [lane],
      begin: () => {},
      drop: () => asked.push('drop'),
    } as unknown as Parameters<typeof createShards>[0]['lanes'],
    reads: () => ({
      async poll(query) {
        asked.push(`poll ${query.shards.length} since ${query.since?.mark} held ${query.held}`);
        return world.poll();
      },
      list: (of) => void asked.push(`list ${[...of]}`),
    }),
    now: () => 0,
    touch: (each) => touched.push(each),
  });
  return { shards, world, lane, touched };
}

describe('shards that are taken', () => {
  it('are polled from a snapshot of before they were taken and loaded', async () => {
    const { shards, world } = someShards([]);
    world.poll = async () => ({ ...POLLED, mark: { mark: 'P' } });
    await shards.take([1, 2]);
    await shards.poll();
    assert.deepEqual(world.asked, [
      'poll 0 since undefined held ',
      'acquire 1,2',
      'list 1,2',
      'poll 2 since P held ',
    ]);
  });

  it('are not taken while a poll is under way, nor polled while they are taken', async () => {
    const { shards, world } = someShards([]);
    await shards.take([1]);
    const gate = Promise.withResolvers<void>();
    world.poll = async () => {
      await gate.promise;
      world.asked.push('polled');
      return POLLED;
    };
    world.asked.length = 0;
    const all = Promise.all([shards.poll(), shards.take([2]), shards.poll()]);
    gate.resolve();
    await all;
    assert.deepEqual(
      world.asked.map((line) => line.split(' ').slice(0, 2).join(' ')),
      ['poll 1', 'polled', 'poll 1', 'polled', 'acquire 2', 'list 2', 'poll 2', 'polled'],
    );
  });

  it('count what an earlier owner has under way, until a poll says that it is over', async () => {
    const { shards, world, lane, touched } = someShards();
    await shards.take([0]);
    assert.equal(lane.state.inFlight, 1);
    assert.ok(lane.queue.known.has(7));
    await shards.poll();
    assert.equal(world.asked.at(-1), 'poll 1 since undefined held 7');
    assert.equal(lane.state.inFlight, 1);
    world.poll = async () => ({ ...POLLED, over: [7] });
    await shards.poll();
    assert.equal(lane.state.inFlight, 0);
    assert.equal(lane.queue.known.has(7), false);
    // What became of it is read.
    assert.equal(lane.queue.more, aWaitingDelivery(7).dueAt);
    assert.deepEqual(touched, [lane]);
    await shards.poll();
    assert.equal(world.asked.at(-1), 'poll 1 since undefined held ');
  });

  it('are given up without what an earlier owner has under way: that is written down already', async () => {
    const { shards, world } = someShards();
    await shards.take([shardOf('webhook')]);
    await shards.give([shardOf('webhook')]);
    assert.deepEqual(world.asked.slice(-2), ['give up with ', 'drop']);
    assert.deepEqual([...shards.held], []);
    // Nothing is asked for who holds none.
    const before = world.asked.length;
    await shards.poll();
    assert.equal(world.asked.length, before);
  });
});
