import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ErrorClass, Outcome, Timing } from '../../../src/domain/delivery/attempt.ts';
import {
  IN_REACH,
  isExcused,
  ORIGINS,
  outSince,
  type Reach,
  reachAfter,
  WITHIN_MS,
} from '../../../src/domain/delivery/outage.ts';

const T = 1_000_000;

function failed(errorClass: ErrorClass, timing: Timing = {}): Outcome {
  return { kind: 'failed', errorClass, message: '', startedAt: T, durationMs: 1, timing };
}

function answered(status: number): Outcome {
  const answer = { headers: {}, body: new Uint8Array(), truncated: false };
  return { kind: 'answered', status, ...answer, startedAt: T, durationMs: 1, timing: {} };
}

const REFUSED = failed('CONNECT');

/** What is known after attempts at these origins, at these times, all of which were refused. */
function after(...missed: readonly [origin: string, at: number][]): Reach {
  return missed.reduce((reach, [origin, at]) => reachAfter(reach, origin, REFUSED, at), IN_REACH);
}

function several(count: number, step: number): [string, number][] {
  return Array.from({ length: count }, (_, i) => [`http://${i}`, T + i * step]);
}

describe('an outage of our own', () => {
  it('is taken for one when five origins cannot be reached within a minute, and not when four cannot', () => {
    assert.equal(ORIGINS, 5);
    assert.equal(after(...several(ORIGINS - 1, 0)).isOut, false);
    assert.equal(after(...several(ORIGINS, 0)).isOut, true);
  });

  it('counts an origin once, however often it fails', () => {
    assert.equal(after(...several(4, 0), ...several(4, 0), ['http://3', T]).isOut, false);
  });

  it('reckons a minute from the last failure of each origin, to the millisecond', () => {
    const step = WITHIN_MS / (ORIGINS - 1);
    assert.equal(after(...several(ORIGINS, step)).isOut, true);
    const late = T + WITHIN_MS + 1;
    assert.equal(after(...several(ORIGINS - 1, 0), ['http://x', late]).isOut, false);
    assert.equal(after(...several(ORIGINS - 1, 0), ['http://0', late], ['http://x', late]).isOut, false);
  });

  it('is none while any is answered, however badly', () => {
    for (const status of [200, 404, 503]) {
      const reached = reachAfter(after(...several(4, 0)), 'http://9', answered(status), T);
      assert.equal(reachAfter(reached, 'http://8', REFUSED, T).isOut, false);
    }
  });

  it('goes on until any is answered, however far apart retries are', () => {
    const out = after(...several(ORIGINS, 0));
    const later = reachAfter(out, 'http://0', REFUSED, T + 100 * WITHIN_MS);
    assert.equal(later.isOut, true);
    assert.equal(reachAfter(later, 'http://0', answered(500), T), IN_REACH);
  });

  it('is seen by failures to connect, to look up, and to do so in time, and by no others', () => {
    const four = after(...several(4, 0));
    for (const outcome of [failed('CONNECT'), failed('DNS'), failed('TIMEOUT')]) {
      assert.equal(reachAfter(four, 'http://9', outcome, T).isOut, true);
    }
    const others: ErrorClass[] = [
      'RESET',
      'TLS',
      'PROTOCOL',
      'FORBIDDEN_ADDRESS',
      'REQUEST',
      'OAUTH',
      'LOCAL',
      'PROXY',
    ];
    for (const outcome of [...others.map((each) => failed(each)), failed('TIMEOUT', { waitMs: 1 })]) {
      assert.equal(reachAfter(four, 'http://9', outcome, T), four);
    }
  });

  it('excuses what did not come to an answer, and nothing before it was found out', () => {
    const out = after(...several(ORIGINS, 10));
    // Where there is no token, it was most likely the token endpoint that could not be reached.
    for (const each of ['CONNECT', 'DNS', 'TIMEOUT', 'RESET', 'TLS', 'OAUTH'] as const)
      assert.equal(isExcused(out, failed(each)), true);
    for (const outcome of [answered(503), failed('FORBIDDEN_ADDRESS'), failed('PROTOCOL')])
      assert.equal(isExcused(out, outcome), false);
    assert.equal(isExcused(after(...several(4, 10)), REFUSED), false);
    assert.equal(outSince(out, T + 99), T);
  });

  it('began with the first failure of any origin, and at most a minute ago', () => {
    const [first, ...others] = several(ORIGINS, 10);
    assert.equal(outSince(after(first!, [first![0], T + 5], ...others), T + 50), T);
    const steady = [0, 40_000, 80_000].map((ms): [string, number] => [first![0], T + ms]);
    const later = others.map(([origin]): [string, number] => [origin, T + 90_000]);
    assert.equal(outSince(after(...steady, ...later), T + 90_000), T + 90_000 - WITHIN_MS);
  });

  it('keeps no more origins than it takes', () => {
    assert.ok(after(...several(1_000, 1)).missed.length <= ORIGINS);
    assert.ok(after(...several(1_000, WITHIN_MS / 3)).missed.length <= ORIGINS);
  });
});
