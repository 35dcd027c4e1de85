import { isOurs, type Outcome } from './attempt.ts';
import type { FailedReason, Transition, WaitingDelivery } from './delivery.ts';
import { retryAfterMs } from './retry-after.ts';
import { type RetryPolicy, retryDelayMs } from './retry-policy.ts';

/** What an attempt means for the delivery and for its destination. */
export interface Verdict {
  readonly transition: Transition;
  readonly success: boolean;
  /** The destination did not answer, or said that it cannot: 408, 425, 429 or 5xx. The breaker counts these. */
  readonly unavailable: boolean;
  /** It answered 410: nothing more is to be sent there. */
  readonly gone: boolean;
  /** The attempt failed by trouble of our own: it counts neither for the delivery nor for the destination. */
  readonly ours: boolean;
  /** How long the destination asked to be left alone, bounded; 0 when it did not. */
  readonly retryAfterMs: number;
}

export interface SettleInput {
  /** `attempts` are those made before this one. */
  readonly delivery: Pick<WaitingDelivery, 'attempts' | 'attemptsBefore' | 'ending'>;
  readonly outcome: Outcome;
  readonly policy: RetryPolicy;
  readonly now: number;
  /** In [0, 1). */
  readonly unit: number;
}

/**
 * The state machine of a delivery, as one pure function: what an attempt's outcome makes of it. 2xx is
 * success. Everything else is failure, a redirect too, which is never followed.
 */
export function settle(input: SettleInput): Verdict {
  const { outcome, now } = input;
  const status = outcome.kind === 'answered' ? outcome.status : undefined;
  const success = status !== undefined && status >= 200 && status < 300;
  const gone = status === 410;
  const ours = isOurs(outcome);
  return {
    transition: success ? { to: 'SUCCEEDED' } : failure(input, status),
    success,
    unavailable: !ours && (status === undefined || isUnavailable(status)),
    gone,
    ours,
    retryAfterMs:
      outcome.kind === 'answered' && !success ? retryAfterMs(outcome.headers['retry-after'], now) : 0,
  };
}

function failure(input: SettleInput, status: number | undefined): Transition {
  const { delivery, outcome, policy, now, unit } = input;
  // When a caller has it sent again, all the attempts of its policy may be made anew.
  const made = delivery.attempts - delivery.attemptsBefore + 1;
  const ours = isOurs(outcome);
  const final = ours ? undefined : finalReason(status, policy, made);
  if (final !== undefined) return { to: 'FAILED', reason: final };
  // It is to be given up, so it is not retried.
  if (delivery.ending !== undefined) return { to: 'CANCELLED', reason: delivery.ending };
  // Its lane waits, and the delivery goes as soon as that does.
  if (ours) return { to: 'PENDING', dueAt: now, free: true };
  const asked = outcome.kind === 'answered' ? retryAfterMs(outcome.headers['retry-after'], now) : 0;
  // Retry-After is the least that the destination wants to be left alone, not an appointment.
  return { to: 'PENDING', dueAt: now + Math.max(retryDelayMs(policy, made, unit), asked) };
}

function finalReason(
  status: number | undefined,
  policy: RetryPolicy,
  made: number,
): FailedReason | undefined {
  if (status === 410) return 'GONE';
  const refused = status !== undefined && status >= 400 && status < 500 && !isUnavailable(status);
  if (refused && policy.clientErrors === 'FAIL') return 'REFUSED';
  return made >= policy.maxAttempts ? 'EXHAUSTED' : undefined;
}

function isUnavailable(status: number): boolean {
  return status >= 500 || status === 408 || status === 425 || status === 429;
}
