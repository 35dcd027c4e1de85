import type { Attempt } from './attempt.ts';

export type DeliveryState = 'PENDING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';

/** Why a delivery is FAILED: attempts used up, refused for good (4xx), or the destination is gone (410). */
export type FailedReason = 'EXHAUSTED' | 'REFUSED' | 'GONE';

/** Why a delivery is CANCELLED: its webhook was removed, or a newer run took its place. */
export type CancelledReason = 'REMOVED' | 'SUPERSEDED';

/** Where a delivery goes from an attempt, or from being cancelled. */
export type Transition =
  | { readonly to: 'PENDING'; readonly dueAt: number }
  | { readonly to: 'SUCCEEDED' }
  | { readonly to: 'FAILED'; readonly reason: FailedReason }
  | { readonly to: 'CANCELLED'; readonly reason: CancelledReason };

/** A delivery that is not finished, as the dispatcher holds it. */
export interface WaitingDelivery {
  /** Its place in order of arrival (commit order), unique in the store. */
  readonly ord: number;
  readonly id: string;
  readonly webhookId: string;
  readonly eventId: string;
  readonly dueAt: number;
  /** Attempts made. */
  readonly attempts: number;
  /** A newer run has taken its place: one more success counts, no more retries are made. */
  readonly superseded: boolean;
}

/** A delivery as a reader sees it. */
export interface Delivery {
  readonly id: string;
  readonly namespace: string;
  readonly webhookId: string;
  readonly eventId: string;
  readonly state: DeliveryState;
  readonly reason?: FailedReason | CancelledReason;
  readonly attemptCount: number;
  /** When the next attempt is due, while PENDING. */
  readonly dueAt?: number;
  /** The nominal time, for a scheduled run. */
  readonly nominalAt?: number;
  readonly createdAt: number;
  readonly finishedAt?: number;
}

/** The same with its attempts, oldest first. */
export interface DeliveryDetail extends Delivery {
  readonly attempts: readonly Attempt[];
}
