const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** What happens after a failed attempt. */
export interface RetryPolicy {
  /** From 1 to 100. */
  readonly maxAttempts: number;
  /** The waits after the first, second, … failed attempt; the last one repeats. Never empty. */
  readonly delaysMs: readonly number[];
  /** The part of a wait, from 0 to 1, by which it may become longer or shorter. */
  readonly jitter: number;
  /** Whether a 4xx other than 408, 410, 425 and 429 fails a delivery for good. */
  readonly clientErrors: 'RETRY' | 'FAIL';
}

/**
 * The waits that Standard Webhooks recommends, with two more at the end: about three days in all.
 * Source: Standard Webhooks 1.0.0, "Deliverability and reliability".
 */
const DEFAULT_DELAYS_MS: readonly number[] = [
  5 * SECOND,
  5 * MINUTE,
  30 * MINUTE,
  2 * HOUR,
  5 * HOUR,
  10 * HOUR,
  14 * HOUR,
  20 * HOUR,
  24 * HOUR,
];

export const DEFAULT_RETRY_POLICY: RetryPolicy = {
  maxAttempts: DEFAULT_DELAYS_MS.length + 1,
  delaysMs: DEFAULT_DELAYS_MS,
  jitter: 0.2,
  clientErrors: 'RETRY',
};

/**
 * How long to wait after the `attempts`-th failed attempt, in whole milliseconds. `unit` is in [0, 1);
 * jitter is added last, so that the wait lies within `jitter` of the policy's delay.
 */
export function retryDelayMs(policy: RetryPolicy, attempts: number, unit: number): number {
  const base = policy.delaysMs[Math.min(attempts, policy.delaysMs.length) - 1] ?? 0;
  return Math.round(base * (1 + policy.jitter * (2 * unit - 1)));
}
