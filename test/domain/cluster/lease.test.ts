import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { abortInMs, LEASE_MS, maySend, mustAbort } from '../../../src/domain/cluster/lease.ts';

const BEAT = { wall: 1_000_000, monotonic: 500 };

/** So long after the beat, by each clock. */
function after(wallMs: number, monotonicMs = wallMs) {
  return { wall: BEAT.wall + wallMs, monotonic: BEAT.monotonic + monotonicMs };
}

describe('a node that was heard of', () => {
  it('may send for 60 % of a lease after its last good beat was sent', () => {
    assert.equal(maySend(BEAT, after(0.6 * LEASE_MS - 1)), true);
    assert.equal(maySend(BEAT, after(0.6 * LEASE_MS)), false);
  });

  it('must break off its requests at 90 % of it, and knows when that is', () => {
    assert.equal(mustAbort(BEAT, after(0.9 * LEASE_MS - 1)), false);
    assert.equal(mustAbort(BEAT, after(0.9 * LEASE_MS)), true);
    assert.equal(abortInMs(BEAT, after(2_000)), 0.9 * LEASE_MS - 2_000);
    assert.equal(abortInMs(BEAT, after(LEASE_MS)), 0);
  });

  it('goes by the clock that has gone further: the other one stood still, or was set back', () => {
    assert.equal(maySend(BEAT, after(6_000, 10)), false);
    assert.equal(maySend(BEAT, after(10, 6_000)), false);
    assert.equal(maySend(BEAT, after(-60_000, 6_000)), false);
    assert.equal(mustAbort(BEAT, after(9_000, 10)), true);
    assert.equal(mustAbort(BEAT, after(10, 9_000)), true);
  });
});

it('a node that was never heard of, or is dead, may not send, and breaks off what it has', () => {
  assert.equal(maySend(undefined, after(0)), false);
  assert.equal(mustAbort(undefined, after(0)), true);
  assert.equal(abortInMs(undefined, after(0)), 0);
});
