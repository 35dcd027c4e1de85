import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { createStarts, type Way } from '../../../src/rpc/transport/starts.ts';
import { manualClock } from '../../support/clock.ts';

/** As long as a turn. */
const LONG_MS = 5;

describe('Requests that begin', () => {
  function world() {
    const clock = manualClock(0);
    const begun: string[] = [];
    const starts = createStarts(clock);
    const over = new Set<string>();
    return {
      begun,
      over,
      clock,
      take(way: Way, name: string, takesMs = 0, then = () => {}) {
        starts.take(way, {
          begin() {
            begun.push(name);
            clock.advance(takesMs);
            then();
          },
          isOver: () => over.has(name),
        });
      },
    };
  }
  const [a, b] = [{ remoteAddress: '192.0.2.1' }, { remoteAddress: '192.0.2.1' }];
  const elsewhere = { remoteAddress: '192.0.2.2' };

  it('do so at once while they take no time', () => {
    const { begun, take } = world();
    for (let i = 0; i < 100; i++) take(a, `${i}`);
    assert.equal(begun.length, 100);
  });

  it('wait when a turn is over, those of a connection in their order, connections in turn', async () => {
    const { begun, take } = world();
    for (const name of ['a1', 'a2', 'a3', 'a4']) take(a, name, LONG_MS);
    for (const name of ['b1', 'b2']) take(b, name, LONG_MS);
    assert.deepEqual(begun, ['a1']);
    for (let i = 0; i < 10; i++) await setImmediate();
    assert.deepEqual(begun, ['a1', 'a2', 'b1', 'a3', 'b2', 'a4']);
  });

  it('of one address wait no longer however many connections another has', async () => {
    const { begun, take } = world();
    for (const name of ['a1', 'a2', 'a3']) take(a, name, LONG_MS);
    for (const name of ['b1', 'b2']) take(b, name, LONG_MS);
    for (const name of ['c1', 'c2']) take(elsewhere, name, LONG_MS);
    for (let i = 0; i < 10; i++) await setImmediate();
    assert.deepEqual(begun, ['a1', 'a2', 'c1', 'b1', 'c2', 'a3', 'b2']);
  });

  it('let the event loop go on after each turn', async () => {
    const { begun, take } = world();
    for (const name of ['1', '2', '3']) take(a, name, LONG_MS);
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      await setImmediate();
      counts.push(begun.length);
    }
    assert.deepEqual(counts, [2, 3, 3]);
  });

  it('take turns for what they do in promises too', async () => {
    const { begun, take, clock } = world();
    take(a, '1', LONG_MS);
    const goOn = () => void Promise.resolve().then(() => clock.advance(LONG_MS));
    for (const name of ['2', '3', '4']) take(a, name, 0, goOn);
    const counts: number[] = [];
    for (let i = 0; i < 3; i++) {
      await setImmediate();
      counts.push(begun.length);
    }
    assert.deepEqual(counts, [2, 3, 4]);
  });

  it('do not overtake those that wait already', async () => {
    const { begun, take } = world();
    for (const name of ['1', '2', '3']) take(a, name, LONG_MS);
    await setImmediate();
    take(b, 'late');
    assert.deepEqual(begun, ['1', '2']);
    for (let i = 0; i < 3; i++) await setImmediate();
    assert.deepEqual(begun, ['1', '2', '3', 'late']);
  });

  it('are begun in whichever moment they come while the last that waited has its turn', async () => {
    for (let microtasks = 0; microtasks < 20; microtasks++) {
      const { begun, take } = world();
      const comeLater = async () => {
        for (let i = 0; i < microtasks; i++) await undefined;
        take(a, 'next');
      };
      take(a, 'first', LONG_MS);
      take(a, 'last', 0, () => process.nextTick(comeLater));
      for (let i = 0; i < 3; i++) await setImmediate();
      assert.deepEqual(begun, ['first', 'last', 'next'], `${microtasks} microtasks later`);
    }
  });

  it('are left out when nobody waits for them any more', async () => {
    const { begun, over, take } = world();
    for (const name of ['1', '2', '3']) take(a, name, LONG_MS);
    over.add('2');
    for (let i = 0; i < 4; i++) await setImmediate();
    assert.deepEqual(begun, ['1', '3']);
    take(a, '4');
    assert.deepEqual(begun, ['1', '3', '4']);
  });
});
