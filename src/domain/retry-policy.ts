/** What happens after a failed attempt. */
export interface RetryPolicy {
  readonly maxAttempts: number;
  /** The wait after the first, second, … failed attempt; the last repeats. Never empty. */
  readonly delaysMs: readonly number[];
  /** Each wait is changed by up to this part of it, either way; 0 to 1. */
  readonly jitter: number;
  /** Whether a 4xx other than 408, 410, 425 and 429 fails a delivery for good. */
  readonly clientErrors: 'RETRY' | 'FAIL';
}
