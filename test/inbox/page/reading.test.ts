import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { choose, countNew, createAnnouncer, goOn, type Item, leave, NOTHING } from './modules.ts';

/** Requests of these numbers, which came at the time of this life of the server. */
const items = (numbers: readonly number[], life = 'first') =>
  new Map(numbers.map((number): [number, Item] => [number, { number, time: `${life} ${number}` }]));

describe('what is read', () => {
  it('stays, however many come, and they are counted', () => {
    let reading = choose(NOTHING, 2, items([1, 2]));
    reading = goOn(reading, items([1, 2, 3, 4]));
    assert.deepEqual([reading.number, reading.isKept], [2, true]);
    assert.equal(countNew(reading, items([1, 2, 3, 4])), 2);
  });

  it('stays when it was dropped, and is not mistaken for another of its number', () => {
    const reading = choose(NOTHING, 2, items([1, 2]));
    for (const later of [items([3, 4]), items([]), items([1, 2, 3], 'second')]) {
      const after = goOn(reading, later);
      assert.deepEqual([after.request?.time, after.isKept], ['first 2', false]);
    }
  });

  it('is the newest that was told of it', () => {
    const before = items([1]);
    const reading = choose(NOTHING, 1, before);
    const verified = { ...before.get(1)!, signature: 'valid' };
    assert.equal(goOn(reading, new Map([[1, verified]])).request, verified);
  });

  it('is awaited where it has not come', () => {
    const reading = choose(NOTHING, 3, items([1, 2]));
    assert.deepEqual([reading.request, reading.isKept], [undefined, false]);
    assert.equal(goOn(reading, items([1, 2, 3])).request?.number, 3);
  });

  it('is another once somebody chooses, and nothing is new then', () => {
    const all = items([1, 2, 3, 4]);
    const reading = choose(goOn(choose(NOTHING, 2, items([1, 2])), all), 1, all);
    assert.deepEqual([reading.number, countNew(reading, all)], [1, 0]);
    assert.deepEqual(leave(all), { ...NOTHING, seen: 4 });
  });

  it('has everything new after it when numbers begin anew', () => {
    const reading = choose(NOTHING, 7, items([6, 7]));
    const anew = items([1, 2], 'second');
    assert.equal(countNew(goOn(reading, anew), anew), 2);
  });
});

describe('what is announced of requests that come', () => {
  function listen() {
    const said: string[] = [];
    const timers: { run: () => void; at: number }[] = [];
    let now = 0;
    const announcer = createAnnouncer((text) => said.push(text), {
      now: () => now,
      later: (run, ms) => timers.push({ run, at: now + ms }),
      cancel: (timer) => delete timers[timer - 1],
    });
    const pass = (ms: number) => {
      now += ms;
      for (const [i, timer] of timers.entries()) {
        if (timer === undefined || timer.at > now) continue;
        delete timers[i];
        timer.run();
      }
    };
    return { said, pass, ...announcer };
  }

  it('is the first at once, and of the others how many, once in half a minute', () => {
    const { said, pass, came } = listen();
    for (let second = 0; second < 60; second++) {
      came();
      pass(1_000);
    }
    assert.deepEqual(said, ['1 new request', '29 new requests', '30 new requests']);
    pass(120_000);
    assert.equal(said.length, 3);
    came();
    assert.deepEqual(said.slice(3), ['1 new request']);
  });

  it('is nothing of what was looked at meanwhile', () => {
    const { said, pass, came, forget } = listen();
    came();
    came();
    forget();
    pass(60_000);
    assert.deepEqual(said, ['1 new request']);
  });
});
