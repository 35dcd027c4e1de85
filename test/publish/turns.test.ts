import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createTurns } from '../../src/publish/turns.ts';

/** A clock that moves when it is told to. */
function aClock() {
  let now = 0;
  return {
    monotonic: () => now,
    pass(ms: number) {
      now += ms;
    },
  };
}

/** Counts rounds of the event loop until it is stopped. */
function countRounds() {
  let rounds = 0;
  const count = () => {
    rounds++;
    pending = setImmediate(count);
  };
  let pending = setImmediate(count);
  return { rounds: () => rounds, [Symbol.dispose]: () => clearImmediate(pending) };
}

describe('turns', () => {
  it('end after a few milliseconds, and begin anew when others have had theirs', async () => {
    const clock = aClock();
    const turns = createTurns(clock);
    assert.equal(turns.isOver(), false);
    clock.pass(4);
    assert.equal(turns.isOver(), false);
    clock.pass(1);
    assert.equal(turns.isOver(), true);
    await turns.next();
    assert.equal(turns.isOver(), false);
  });

  it('are shared by all who work: five costly events at once let others run between any two', async () => {
    const clock = aClock();
    using counter = countRounds();
    const seen: number[] = [];
    const work = async () => {
      const turns = createTurns(clock);
      for (let part = 0; part < 3; part++) {
        if (turns.isOver()) await turns.next();
        seen.push(counter.rounds());
        clock.pass(6);
      }
    };
    await Promise.all([work(), work(), work(), work(), work()]);
    assert.equal(seen.length, 15);
    assert.equal(new Set(seen).size, 15, `parts in rounds ${seen}`);
  });

  it('leave the more rounds to others the longer one has been, and not for ever', async () => {
    for (const [ms, atLeast, atMost] of [
      [100, 19, 30],
      [1_000_000, 30, 50],
    ] as const) {
      const clock = aClock();
      using counter = countRounds();
      const turns = createTurns(clock);
      assert.equal(turns.isOver(), false);
      clock.pass(ms);
      assert.equal(turns.isOver(), true);
      await turns.next();
      const rounds = counter.rounds();
      assert.ok(rounds >= atLeast && rounds <= atMost, `${rounds} rounds after ${ms} ms`);
    }
  });

  it('begin at once when nothing was worked on in this round', async () => {
    const clock = aClock();
    const turns = createTurns(clock);
    assert.equal(turns.isOver(), false);
    await new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
    clock.pass(60_000);
    assert.equal(turns.isOver(), false);
    assert.equal(createTurns(clock).isOver(), false);
  });
});
