import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { Outcome } from '../../../src/domain/delivery/attempt.ts';
import type { EndingReason } from '../../../src/domain/delivery/delivery.ts';
import {
  DEFAULT_RETRY_POLICY,
  type RetryPolicy,
  retryDelayMs,
} from '../../../src/domain/delivery/retry-policy.ts';
import { settle } from '../../../src/domain/delivery/settle.ts';

const NOW = Date.UTC(2026, 0, 1);
const HALF = 0.5;

function answered(status: number, headers: Record<string, string> = {}): Outcome {
  return {
    kind: 'answered',
    status,
    headers,
    body: new Uint8Array(),
    truncated: false,
    startedAt: NOW,
    durationMs: 1,
    timing: {},
  };
}

const timedOut: Outcome = {
  kind: 'failed',
  errorClass: 'TIMEOUT',
  message: 'late',
  startedAt: NOW,
  durationMs: 15_000,
  timing: {},
};

function settled(
  outcome: Outcome,
  given: {
    attempts?: number;
    attemptsBefore?: number;
    ending?: EndingReason;
    policy?: Partial<RetryPolicy>;
  } = {},
) {
  const { attempts = 0, attemptsBefore = 0, ending, policy } = given;
  return settle({
    delivery: { attempts, attemptsBefore, ...(ending && { ending }) },
    outcome,
    policy: { ...DEFAULT_RETRY_POLICY, ...policy },
    now: NOW,
    unit: HALF,
  });
}

const local: Outcome = { ...timedOut, errorClass: 'LOCAL', message: 'too many open files' };

describe('an attempt that failed by trouble of our own', () => {
  it('costs none of those that the policy allows, and is made again as soon as the lane goes on', () => {
    const verdict = settled(local, { attempts: 4, policy: { maxAttempts: 5 } });
    assert.deepEqual(verdict.transition, { to: 'PENDING', dueAt: NOW, free: true });
    assert.deepEqual([verdict.ours, verdict.unavailable, verdict.success], [true, false, false]);
  });

  it('does not keep a delivery that is to be given up', () => {
    const { transition } = settled(local, { ending: 'REQUESTED', policy: { maxAttempts: 1 } });
    assert.deepEqual(transition, { to: 'CANCELLED', reason: 'REQUESTED' });
  });
});

describe('settle', () => {
  for (const status of [200, 201, 202, 204, 299]) {
    it(`takes ${status} for success`, () => {
      assert.deepEqual(settled(answered(status)).transition, { to: 'SUCCEEDED' });
    });
  }

  for (const status of [301, 302, 307, 400, 401, 404, 408, 425, 429, 500, 502, 503, 599]) {
    it(`retries ${status} after the first delay`, () => {
      assert.deepEqual(settled(answered(status)).transition, { to: 'PENDING', dueAt: NOW + 5_000 });
    });
  }

  it('retries what got no answer', () => {
    assert.deepEqual(settled(timedOut).transition, { to: 'PENDING', dueAt: NOW + 5_000 });
  });

  it('fails a delivery whose destination is gone, and says so', () => {
    const verdict = settled(answered(410));
    assert.deepEqual(verdict.transition, { to: 'FAILED', reason: 'GONE' });
    assert.equal(verdict.gone, true);
  });

  it('fails a 4xx for good where the policy says so, but not one that asks for patience', () => {
    const policy = { clientErrors: 'FAIL' } as const;
    assert.deepEqual(settled(answered(404), { policy }).transition, { to: 'FAILED', reason: 'REFUSED' });
    for (const status of [408, 425, 429])
      assert.equal(settled(answered(status), { policy }).transition.to, 'PENDING');
  });

  it('fails a delivery after its last attempt', () => {
    const policy = { maxAttempts: 3 };
    assert.equal(settled(answered(500), { attempts: 1, policy }).transition.to, 'PENDING');
    assert.deepEqual(settled(answered(500), { attempts: 2, policy }).transition, {
      to: 'FAILED',
      reason: 'EXHAUSTED',
    });
  });

  it('counts attempts and delays anew for one that a caller has sent again', () => {
    const policy = { maxAttempts: 2, delaysMs: [5_000, 60_000], jitter: 0 };
    const again = { attempts: 7, attemptsBefore: 7, policy };
    assert.deepEqual(settled(timedOut, again).transition, { to: 'PENDING', dueAt: NOW + 5_000 });
    assert.deepEqual(settled(timedOut, { ...again, attempts: 8 }).transition, {
      to: 'FAILED',
      reason: 'EXHAUSTED',
    });
  });

  for (const ending of ['SUPERSEDED', 'REQUESTED', 'PURGED'] as const) {
    it(`cancels instead of retrying what is to be given up (${ending}), yet lets it succeed`, () => {
      assert.deepEqual(settled(timedOut, { ending }).transition, { to: 'CANCELLED', reason: ending });
      assert.equal(settled(answered(200), { ending }).transition.to, 'SUCCEEDED');
    });
  }

  it('counts no answer, 5xx and overload as unavailable, other answers not', () => {
    assert.equal(settled(timedOut).unavailable, true);
    for (const status of [500, 503, 429, 408]) assert.equal(settled(answered(status)).unavailable, true);
    for (const status of [200, 302, 400, 404, 410])
      assert.equal(settled(answered(status)).unavailable, false);
  });

  it('waits as long as Retry-After asks when that is longer than the policy', () => {
    assert.deepEqual(settled(answered(503, { 'retry-after': '60' })).transition, {
      to: 'PENDING',
      dueAt: NOW + 60_000,
    });
    assert.deepEqual(settled(answered(503, { 'retry-after': '1' })).transition, {
      to: 'PENDING',
      dueAt: NOW + 5_000,
    });
  });

  it('moves only along the drawn arrows, whatever the answer', () => {
    const outcomes = fc.oneof(
      fc.integer({ min: 200, max: 599 }).map((status) => answered(status)),
      fc.constant(timedOut),
    );
    fc.assert(
      fc.property(
        outcomes,
        fc.nat(12),
        fc.option(fc.constantFrom<EndingReason>('SUPERSEDED', 'REQUESTED', 'PURGED')),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (outcome, attempts, ending, unit) => {
          const { transition, success } = settle({
            delivery: { attempts, attemptsBefore: 0, ...(ending && { ending }) },
            outcome,
            policy: DEFAULT_RETRY_POLICY,
            now: NOW,
            unit,
          });
          assert.equal(success, transition.to === 'SUCCEEDED');
          if (transition.to === 'PENDING') {
            assert.ok(!ending && attempts + 1 < DEFAULT_RETRY_POLICY.maxAttempts);
            assert.ok(transition.dueAt > NOW);
          }
        },
      ),
    );
  });
});

describe('retryDelayMs', () => {
  it('follows the delays and repeats the last', () => {
    const policy = { ...DEFAULT_RETRY_POLICY, delaysMs: [10, 20], jitter: 0 };
    assert.deepEqual(
      [1, 2, 3, 9].map((attempts) => retryDelayMs(policy, attempts, HALF)),
      [10, 20, 20, 20],
    );
  });

  it('stays within its jitter', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 12 }),
        fc.double({ min: 0, max: 1, noNaN: true, maxExcluded: true }),
        (attempts, unit) => {
          const base = DEFAULT_RETRY_POLICY.delaysMs[Math.min(attempts, 9) - 1]!;
          const delay = retryDelayMs(DEFAULT_RETRY_POLICY, attempts, unit);
          assert.ok(delay >= base * 0.8 - 1 && delay <= base * 1.2 + 1);
        },
      ),
    );
  });
});
