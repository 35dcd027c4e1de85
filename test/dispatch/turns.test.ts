import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LANE_WAITING_MAX } from '../../src/dispatch/lane-queue.ts';
import type { Store } from '../../src/store/store.ts';
import { type HeldSender, heldSender } from '../support/held-sender.ts';
import { LIMITS, openPipeline, type Pipeline } from '../support/pipeline.ts';
import { openMemoryStore } from '../support/store.ts';

const ORDERED = { ...LIMITS, ordered: true };

function numbers(count: number): string[] {
  return Array.from({ length: count }, (_, i) => String(i));
}

interface Gated extends AsyncDisposable {
  readonly pipeline: Pipeline;
  readonly sender: HeldSender;
  /** Lets settlements be written, which wait until then. */
  open(): void;
}

/** A pipeline whose settlements do not come to disk until they are let. */
async function openGated(): Promise<Gated> {
  const store = await openMemoryStore();
  const { promise: gate, resolve: open } = Promise.withResolvers<void>();
  const settle: Store['settle'] = async (...batch) => {
    await gate;
    return store.settle(...batch);
  };
  const sender = heldSender();
  const pipeline = await openPipeline({ store: { ...store, settle }, sender });
  return {
    pipeline,
    sender,
    open,
    async [Symbol.asyncDispose]() {
      open();
      await pipeline.stop(0);
      await store.close();
    },
  };
}

/** Long enough for the dispatcher to do whatever it was going to do. */
function aWhile(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 100));
}

describe('a lane that may not move', () => {
  it('is one in order whose last settlement is not on disk yet', async () => {
    await using gated = await openGated();
    const { pipeline, sender } = gated;
    const webhook = await pipeline.register({ destination: 'http://127.0.0.1:9999/', limits: ORDERED });
    await pipeline.publish(webhook, ['1', '2']);
    const [first] = await sender.sending(1);
    first!.answer(200);
    await aWhile();
    // An arrival makes the dispatcher look at the lane.
    await pipeline.publish(webhook, ['3']);
    await aWhile();
    assert.equal(sender.sent.length, 1);
    gated.open();
    const [, second] = await sender.sending(2);
    assert.equal(second!.body, '2');
    second!.answer(200);
    const [, , third] = await sender.sending(3);
    assert.equal(third!.body, '3');
  });

  it('is one whose destination has just answered 410, before that is on disk', async () => {
    await using gated = await openGated();
    const { pipeline, sender } = gated;
    const limits = { ...LIMITS, concurrency: 1 };
    const webhook = await pipeline.register({ destination: 'http://127.0.0.1:9999/', limits });
    await pipeline.publish(webhook, ['1', '2', '3']);
    const [first] = await sender.sending(1);
    first!.answer(410);
    await aWhile();
    assert.equal(sender.sent.length, 1);
  });
});

describe('lanes that share what may be in flight', () => {
  it('never have more in flight to one origin than its bound, and fill a place that is freed', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ settings: { originInFlightMax: 5 }, sender });
    const limits = { ...LIMITS, concurrency: 3 };
    for (const path of ['a', 'b', 'c', 'd']) {
      const webhook = await pipeline.register({ destination: `http://127.0.0.1:9999/${path}`, limits });
      await pipeline.publish(webhook, numbers(5));
    }
    await sender.sending(5);
    for (let answered = 1; answered <= 10; answered++) {
      await aWhile();
      assert.equal(sender.open.length, 5);
      sender.open[0]!.answer(200);
      await sender.sending(5 + answered);
    }
  });

  it('take turns, so that none waits for more than two of each other', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ settings: { inFlightMax: 2 }, sender });
    for (const path of ['a', 'b', 'c']) {
      const webhook = await pipeline.register({ destination: `http://127.0.0.1:9999/${path}` });
      // What is read when its turn comes loses that turn.
      await pipeline.directory.load([webhook.id]);
      await pipeline.publish(webhook, numbers(10));
      await aWhile();
    }
    for (let sent = 3; sent <= 18; sent++) {
      sender.open[0]!.answer(200);
      await sender.sending(sent);
    }
    const order = sender.sent.map(({ destination }) => destination.at(-1)!);
    for (let i = 0; i + 6 <= order.length; i++)
      assert.equal(new Set(order.slice(i, i + 6)).size, 3, order.join(''));
  });
});

describe('a lane of which much may go', () => {
  it('sends eight and lets the others have their turn', async (t) => {
    const store = await openMemoryStore();
    t.after(() => store.close());
    const before = await openPipeline({ store });
    await before.stop(0);
    const limits = { ...LIMITS, concurrency: 64 };
    for (const path of ['a', 'b']) {
      const webhook = await before.register({ destination: `http://127.0.0.1:9999/${path}`, limits });
      await before.publish(webhook, numbers(64));
    }
    // As after a restart: both lanes are found at once, with all that waits.
    await store.pollWaiting();
    const sender = heldSender();
    await using _pipeline = await openPipeline({ store, sender });
    const sent = (await sender.sending(32)).slice(0, 32);
    const order = sent.map(({ destination }) => destination.at(-1)).join('');
    for (const lane of ['a', 'b']) assert.equal(order.split(lane).length - 1, 16, order);
  });
});

describe('a store that does not take settlements', () => {
  it('stops sending once ten thousand wait to be written', async () => {
    await using gated = await openGated();
    const { pipeline, sender } = gated;
    const limits = { ...LIMITS, concurrency: 256 };
    const webhook = await pipeline.register({ destination: 'http://127.0.0.1:9999/', limits });
    sender.answerAll(200);
    for (let i = 0; i < 12; i++) await pipeline.publish(webhook, numbers(1_000));
    let before = (await sender.sending(10_000)).length;
    for (let quiet = 0; quiet < 3; quiet++) {
      await aWhile();
      if (sender.sent.length > before) quiet = 0;
      before = sender.sent.length;
    }
    // Five hundred more are in the write that is under way, and what was in flight came back.
    assert.ok(sender.sent.length <= 10_000 + 500 + 256, `${sender.sent.length} were sent`);
  });
});

describe('an answer that comes after the grace of a stop', () => {
  it('was cut off: its delivery is left as it is, for the next start', async () => {
    const sender = heldSender();
    await using pipeline = await openPipeline({ sender });
    const webhook = await pipeline.register({ destination: 'http://127.0.0.1:9999/' });
    const [id] = await pipeline.publish(webhook, ['x']);
    const [request] = await sender.sending(1);
    await pipeline.dispatcher.drain(0);
    request!.answer(200);
    await aWhile();
    const { state, attemptCount } = await pipeline.delivery(id!);
    assert.deepEqual([state, attemptCount], ['PENDING', 0]);
    assert.equal(pipeline.lines.filter(({ fields }) => fields.deliveryId === id).length, 0);
  });
});

describe('a lane of which much waits', () => {
  it('reads no more of it into memory than it may hold', async (t) => {
    const store = await openMemoryStore({ visibleRowsMax: 1 });
    t.after(() => store.close());
    const limits: number[] = [];
    const topUp: Store['topUp'] = (lanes) => {
      limits.push(...lanes.map(({ limit }) => limit));
      return store.topUp(lanes);
    };
    const sender = heldSender();
    await using pipeline = await openPipeline({ store: { ...store, topUp }, sender });
    const webhook = await pipeline.register({ destination: 'http://127.0.0.1:9999/' });
    await pipeline.publish(webhook, numbers(2_000));
    await sender.sending(8);
    assert.ok(limits.length > 0);
    for (const limit of limits) assert.ok(limit <= 2 * LANE_WAITING_MAX, `${limit} at once`);
  });
});
