import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { AskedSpec } from '../../src/domain/webhook/asked.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { settableClock } from '../support/clock.ts';
import { type HeldSender, heldSender } from '../support/held-sender.ts';
import { openPipeline, type Pipeline, QUICK_RETRIES, until } from '../support/pipeline.ts';
import { TOGETHER } from '../support/together.ts';

/** The machine's clock is set while deliveries wait: nobody has to wait until it has caught up. */

const SECOND = 1_000;
const HOUR = 3_600 * SECOND;
const ONE_AT_ONCE = { concurrency: 1 };

interface World extends AsyncDisposable {
  readonly pipeline: Pipeline;
  readonly clock: ReturnType<typeof settableClock>;
  readonly sender: HeldSender;
}

async function openWorld(): Promise<World> {
  const clock = settableClock();
  const sender = heldSender();
  const pipeline = await openPipeline({ clock, sender });
  return { pipeline, clock, sender, [Symbol.asyncDispose]: () => pipeline.stop(0) };
}

function register({ pipeline }: World, spec: Partial<AskedSpec> = {}): Promise<Webhook> {
  return pipeline.register({ destination: 'http://127.0.0.1:9999/', ...spec });
}

/** The dispatcher looks at its clock at least once a second. */
function noticed(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 1_100));
}

async function attempted({ pipeline }: World, id: string): Promise<void> {
  await until(async () => ((await pipeline.delivery(id)).attemptCount > 0 ? true : undefined));
}

/** What each case waits for, at most ten seconds ahead. Returns how many requests were sent by then. */
const WAITS: Record<string, (world: World) => Promise<number>> = {
  'a retry': async (world) => {
    const webhook = await register(world, { retryPolicy: { ...QUICK_RETRIES, delaysMs: [10 * SECOND] } });
    const [id] = await world.pipeline.publish(webhook, ['x']);
    (await world.sender.sending(1))[0]!.answer(404);
    await attempted(world, id!);
    return 1;
  },
  'a retry that is yet to be written': async (world) => {
    const webhook = await register(world, { retryPolicy: { ...QUICK_RETRIES, delaysMs: [10 * SECOND] } });
    await world.pipeline.publish(webhook, ['x']);
    (await world.sender.sending(1))[0]!.answer(404);
    return 1;
  },
  'a retry in an ordered lane': async (world) => {
    const webhook = await register(world, {
      limits: { ordered: true },
      retryPolicy: { ...QUICK_RETRIES, delaysMs: [10 * SECOND] },
    });
    const [id] = await world.pipeline.publish(webhook, ['x', 'y']);
    (await world.sender.sending(1))[0]!.answer(404);
    await attempted(world, id!);
    return 1;
  },
  'a delayed event': async (world) => {
    const webhook = await register(world);
    await world.pipeline.publish(webhook, ['x'], { dueAt: world.clock.now() + 10 * SECOND });
    return 0;
  },
  'what a destination asked for with Retry-After': async (world) => {
    const webhook = await register(world, { limits: ONE_AT_ONCE });
    const [id] = await world.pipeline.publish(webhook, ['x']);
    (await world.sender.sending(1))[0]!.answer(429, { 'retry-after': '10' });
    await attempted(world, id!);
    await world.pipeline.publish(webhook, ['y']);
    return 1;
  },
  'an open circuit breaker': async (world) => {
    const webhook = await register(world, {
      limits: ONE_AT_ONCE,
      retryPolicy: { ...QUICK_RETRIES, delaysMs: [HOUR] },
    });
    for (let i = 0; i < 5; i++) {
      const [id] = await world.pipeline.publish(webhook, ['x']);
      (await world.sender.sending(i + 1))[i]!.answer(503);
      await attempted(world, id!);
    }
    await world.pipeline.publish(webhook, ['y']);
    return 5;
  },
  'its rate': async (world) => {
    const webhook = await register(world, { limits: { rate: { perSecond: 0.1, burst: 1 } } });
    world.clock.advance(10 * SECOND);
    await world.pipeline.publish(webhook, ['x', 'y']);
    (await world.sender.sending(1))[0]!.answer(200);
    return 1;
  },
};

describe('a clock that is put back by an hour', TOGETHER, () => {
  for (const [name, wait] of Object.entries(WAITS)) {
    it(`does not prolong the wait for ${name}, nor cut it short`, async () => {
      await using world = await openWorld();
      const sent = await wait(world);
      world.clock.jump(-HOUR);
      await noticed();
      assert.equal(world.sender.sent.length, sent, 'nothing goes before its time');
      world.clock.advance(10 * SECOND);
      await world.sender.sending(sent + 1);
    });
  }

  it('holds up no event that is published after that, limited though its webhook is', async () => {
    await using world = await openWorld();
    const webhook = await register(world, { limits: { rate: { perSecond: 100, burst: 1 } } });
    await world.pipeline.publish(webhook, ['x']);
    (await world.sender.sending(1))[0]!.answer(200);
    world.clock.jump(-HOUR);
    await world.pipeline.publish(webhook, ['y']);
    await world.sender.sending(2);
  });

  it('holds up no webhook that is rung for the first time after that', async () => {
    await using world = await openWorld();
    world.clock.advance(10 * SECOND);
    world.clock.jump(-HOUR);
    await noticed();
    const webhook = await register(world, { limits: { rate: { perSecond: 0.1, burst: 1 } } });
    await world.pipeline.publish(webhook, ['x']);
    await world.sender.sending(1);
  });

  it('leaves what is due due, and what is in flight in flight', async () => {
    await using world = await openWorld();
    const webhook = await register(world, { limits: ONE_AT_ONCE });
    const ids = await world.pipeline.publish(webhook, ['x', 'y', 'z']);
    const [first] = await world.sender.sending(1);
    world.clock.jump(-HOUR);
    await noticed();
    world.sender.answerAll(200);
    first!.answer(200);
    await world.pipeline.finished(webhook);
    assert.equal(world.sender.sent.length, ids.length);
  });
});

describe('a clock that is put forward by an hour', TOGETHER, () => {
  for (const [name, wait] of Object.entries(WAITS)) {
    it(`ends the wait for ${name}: it is as if the hour had passed`, async () => {
      await using world = await openWorld();
      const sent = await wait(world);
      world.clock.jump(HOUR);
      await world.sender.sending(sent + 1);
    });
  }

  it('lets no more go than a burst', async () => {
    await using world = await openWorld();
    const webhook = await register(world, { limits: { rate: { perSecond: 0.1, burst: 2 } } });
    world.sender.answerAll(200);
    world.clock.advance(10 * SECOND);
    await world.pipeline.publish(webhook, ['1', '2', '3', '4', '5']);
    await world.sender.sending(1);
    world.clock.jump(HOUR);
    await noticed();
    assert.equal(world.sender.sent.length, 3);
  });
});
