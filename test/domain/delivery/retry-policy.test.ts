import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DEFAULT_RETRY_POLICY, retryDelayMs } from '../../../src/domain/delivery/retry-policy.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

describe('the default retry policy', () => {
  it('waits as the README says: 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h and 24 h', () => {
    const waits = Array.from({ length: 9 }, (_, i) => retryDelayMs(DEFAULT_RETRY_POLICY, i + 1, 0.5));
    assert.deepEqual(waits, [
      5 * SECOND,
      5 * MINUTE,
      30 * MINUTE,
      2 * HOUR,
      5 * HOUR,
      10 * HOUR,
      14 * HOUR,
      20 * HOUR,
      24 * HOUR,
    ]);
    assert.equal(DEFAULT_RETRY_POLICY.maxAttempts, waits.length + 1);
  });

  it('changes each wait by up to a fifth, either way', () => {
    assert.equal(retryDelayMs(DEFAULT_RETRY_POLICY, 1, 0), 4 * SECOND);
    assert.equal(retryDelayMs(DEFAULT_RETRY_POLICY, 1, 1 - Number.EPSILON), 6 * SECOND);
  });

  it('retries whatever is answered but 2xx and 410', () => {
    assert.equal(DEFAULT_RETRY_POLICY.clientErrors, 'RETRY');
  });
});

describe('retryDelayMs', () => {
  const policy = { maxAttempts: 10, delaysMs: [10, 20], jitter: 0.5, clientErrors: 'RETRY' } as const;

  it('repeats the last wait', () => {
    assert.deepEqual(
      [1, 2, 3, 9].map((attempts) => retryDelayMs(policy, attempts, 0.5)),
      [10, 20, 20, 20],
    );
  });
});
