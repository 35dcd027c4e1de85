import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { DomainError } from '../../../src/domain/error.ts';
import { createInflow, type IncomingOptions } from '../../../src/rpc/transport/inflow.ts';

const CHECK_MS = 500;

/** Of eight thousand bytes, a thousand are kept for messages of up to a hundred. */
function inflowOf(t: TestContext) {
  t.mock.timers.enable({ apis: ['setInterval'] });
  const inflow = createInflow({
    bytesMax: 8_000,
    smallBytes: 100,
    waitMs: 10_000,
    slowMs: 1_000,
    bytesPerSecondMin: 100,
    checkMs: CHECK_MS,
  });
  const told: string[] = [];
  return {
    inflow,
    /** What became of those that waited, in order. */
    told,
    /** A message with room for it, or one that waits for it; of a connection of its own, unless one is given. */
    ask(name: string, bytes: number, options: Partial<IncomingOptions> = {}) {
      const late = (reason: DomainError) => told.push(`${name} is too slow: ${reason.code}`);
      const incoming = inflow.open({ connection: {}, late, ...options });
      const waits = incoming.room(bytes);
      if (waits === undefined) told.push(`${name} is in`);
      waits?.then(
        () => told.push(`${name} is let in`),
        (reason: unknown) =>
          told.push(`${name}: ${reason instanceof DomainError ? reason.code : 'it has left'}`),
      );
      return incoming;
    },
    async pass(ms: number) {
      for (let left = ms; left > 0; left -= CHECK_MS) {
        t.mock.timers.tick(CHECK_MS);
        await settled();
      }
    },
  };
}

function settled(): Promise<void> {
  return setImmediate();
}

describe('Where requests fill the room that there is for them', () => {
  it('those who come wait, and are let in in their order as others are done', async (t) => {
    const { ask, told, inflow } = inflowOf(t);
    const first = ask('first', 4_000);
    ask('second', 3_000);
    ask('third', 3_000);
    ask('fourth', 500);
    assert.deepEqual(told, ['first is in', 'second is in']);
    first.end();
    await settled();
    assert.deepEqual(told.slice(2), ['third is let in', 'fourth is let in']);
    assert.equal(inflow.bytes, 6_500);
  });

  it('small ones have room of their own', (t) => {
    const { ask, told } = inflowOf(t);
    ask('large', 7_000);
    ask('waiting', 3_000);
    ask('small', 100);
    assert.deepEqual(told, ['large is in', 'small is in']);
  });

  it('no connection has more of it than it leaves to others, and waits without keeping them back', async (t) => {
    const { ask, told } = inflowOf(t);
    const connection = {};
    const first = ask('first', 2_000, { connection });
    ask('second', 2_000, { connection });
    ask('third', 2_000, { connection });
    ask('other', 2_000);
    assert.deepEqual(told, ['first is in', 'second is in', 'other is in']);
    first.end();
    await settled();
    assert.deepEqual(told.slice(3), ['third is let in']);
  });

  it('one that is larger than all of it is let in alone', async (t) => {
    const { ask, told } = inflowOf(t);
    const large = ask('large', 20_000);
    ask('next', 101);
    assert.deepEqual(told, ['large is in']);
    large.end();
    await settled();
    assert.deepEqual(told, ['large is in', 'next is let in']);
  });

  it('those who have a part of what they need do not wait for each other for ever', async (t) => {
    const { ask, told } = inflowOf(t);
    const halves = ['a', 'b', 'c'].map((name) => ({ name, incoming: ask(name, 2_300) }));
    for (const { name, incoming } of halves) {
      void incoming.room(4_000)?.then(() => told.push(`${name} has all`));
    }
    await settled();
    assert.deepEqual(told.slice(3), ['a has all']);
    halves[0]!.incoming.end();
    await settled();
    assert.deepEqual(told.slice(4), ['b has all']);
  });

  it('who waits in vain is told to come again, and one of a stream waits on', async (t) => {
    const { ask, told, pass, inflow } = inflowOf(t);
    ask('large', 7_000);
    ask('one', 2_000);
    ask('streamed', 2_000, { patient: true });
    await pass(9_500);
    assert.deepEqual(told, ['large is in']);
    await pass(500);
    assert.deepEqual(told, ['large is in', 'one: EXHAUSTED']);
    await pass(60_000);
    assert.deepEqual(told, ['large is in', 'one: EXHAUSTED']);
    assert.equal(inflow.bytes, 7_000);
  });

  it('one that has room and does not come gives it up to those who wait', async (t) => {
    const { ask, told, pass } = inflowOf(t);
    const silent = ask('silent', 4_000);
    const slow = ask('slow', 2_000);
    const whole = ask('whole', 1_000);
    silent.arrived(10);
    slow.arrived(10);
    whole.arrived(1_000);
    whole.whole(1_000);
    await pass(30_000);
    assert.equal(told.length, 3, 'nobody waits, and so nobody is too slow');
    ask('waiting', 2_000);
    for (let i = 1; i <= 4; i++) {
      slow.arrived(10 + i * 50);
      await pass(CHECK_MS);
    }
    assert.deepEqual(told.slice(3), ['silent is too slow: EXHAUSTED']);
    silent.end();
    await settled();
    assert.deepEqual(told.slice(4), ['waiting is let in']);
  });

  it('one that waits itself is not too slow meanwhile, nor at once when it goes on', async (t) => {
    const { ask, told, pass } = inflowOf(t);
    const large = ask('large', 4_000);
    const part = ask('part', 1_000, { patient: true });
    part.arrived(10);
    const waiting = ask('waiting', 3_000, { patient: true });
    await pass(CHECK_MS * 2);
    assert.equal(told.length, 2, 'it has had too little time to be too slow');
    void part.room(5_000);
    part.arrived(20);
    await pass(30_000);
    assert.equal(told.length, 2);
    large.end();
    await settled();
    assert.deepEqual(told.slice(2), ['waiting is let in']);
    waiting.end();
    ask('next', 3_000, { patient: true });
    await pass(CHECK_MS * 2);
    assert.equal(told.length, 3, 'its time begins anew');
    await pass(CHECK_MS);
    assert.deepEqual(told.slice(3), ['part is too slow: EXHAUSTED']);
  });

  it('one that needs less while it waits is let in with less', async (t) => {
    const { inflow, ask } = inflowOf(t);
    ask('large', 2_000);
    const stream = inflow.open({ connection: {}, patient: true });
    stream.whole(5_000);
    let isIn = false;
    void stream.room(6_000)?.then(() => {
      isIn = true;
    });
    await settled();
    assert.equal(isIn, false);
    stream.whole(1_000);
    await settled();
    assert.deepEqual([isIn, inflow.bytes], [true, 4_000]);
  });

  it('nothing is kept for whoever leaves, waiting or not', async (t) => {
    const { ask, told, inflow } = inflowOf(t);
    const large = ask('large', 7_000);
    const waiting = ask('waiting', 2_000);
    waiting.end();
    large.end();
    large.end();
    await settled();
    assert.deepEqual(told, ['large is in', 'waiting: it has left']);
    assert.equal(inflow.bytes, 0);
    await assert.rejects(async () => large.room(1));
  });

  it('what is in memory already counts, and what it leaves goes to the next', async (t) => {
    const { inflow, ask, told } = inflowOf(t);
    const stream = inflow.open({ connection: {}, patient: true });
    stream.whole(7_000);
    ask('waiting', 2_000);
    stream.whole(3_000);
    await settled();
    assert.deepEqual(told, ['waiting is let in']);
  });
});
