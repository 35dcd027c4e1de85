import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createOrigins, type Origins } from '../../src/dispatch/origins.ts';

const ORIGIN = 'https://example.com';

function full(inFlightMax: number, ...waiting: readonly string[]): Origins<string> {
  const origins = createOrigins<string>(inFlightMax, (lane) => !lane.startsWith('busy'));
  for (let i = 0; i < inFlightMax; i++) origins.start(ORIGIN);
  for (const lane of waiting) origins.wait(ORIGIN, lane);
  return origins;
}

describe('what an origin has in flight', () => {
  it('leaves others alone', () => {
    const origins = full(2);
    assert.equal(origins.room(ORIGIN, 'busy'), 0);
    assert.equal(origins.room('https://example.org', 'busy'), 2);
  });

  it('wakes the lane that has waited longest, and no other, when one of many ends', () => {
    const origins = full(3, 'first', 'second');
    assert.deepEqual([...origins.finish(ORIGIN)], ['first']);
    assert.deepEqual([...origins.finish(ORIGIN)], ['second']);
  });

  it('wakes all that wait when the last one ends, since nothing else would', () => {
    const origins = full(1, 'first', 'second');
    assert.deepEqual([...origins.finish(ORIGIN)], ['first', 'second']);
    assert.equal(origins.room(ORIGIN, 'busy'), 1);
  });

  it('hands over who waits only while there is room', () => {
    const origins = full(2, 'first', 'second', 'third');
    assert.equal(origins.takeWaiting(ORIGIN), undefined);
    // Woken, it may leave the place to another.
    assert.deepEqual([...origins.finish(ORIGIN)], ['first']);
    assert.equal(origins.takeWaiting(ORIGIN), 'second');
    origins.start(ORIGIN);
    assert.equal(origins.takeWaiting(ORIGIN), undefined);
  });

  it('leaves its last eighth to lanes that have nothing in flight, a request each', () => {
    const origins = full(16, 'busy', 'idle');
    assert.deepEqual([...origins.finish(ORIGIN)], ['idle']);
    assert.deepEqual([...origins.finish(ORIGIN)], []);
    assert.deepEqual([origins.room(ORIGIN, 'busy'), origins.room(ORIGIN, 'idle')], [0, 1]);
    assert.deepEqual([...origins.finish(ORIGIN)], ['busy']);
    assert.deepEqual([origins.room(ORIGIN, 'busy'), origins.room(ORIGIN, 'idle')], [1, 1]);
  });
});
