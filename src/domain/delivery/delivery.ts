import type { DeliveryFormat } from '../event/event.ts';
import type { Attempt } from './attempt.ts';

export type DeliveryState = 'PENDING' | 'SUCCEEDED' | 'FAILED' | 'CANCELLED';

/**
 * Why a delivery is FAILED: attempts used up, refused for good (4xx), the destination is gone (410), or its
 * request could not be made of its event (RENDER).
 */
export type FailedReason = 'EXHAUSTED' | 'REFUSED' | 'GONE' | 'RENDER';

/**
 * Why a delivery is CANCELLED: its webhook was removed, a newer run took its place, a caller asked for it,
 * or its event's data was erased.
 */
export type CancelledReason = 'REMOVED' | 'SUPERSEDED' | 'REQUESTED' | 'PURGED';

/** Why a waiting delivery is to be given up. If it is in flight it may still succeed. */
export type EndingReason = Exclude<CancelledReason, 'REMOVED'>;

/** The state that a delivery goes to after an attempt, or when it is cancelled. */
export type Transition =
  /** `free` when the attempt does not count towards the policy's maximum. */
  | { readonly to: 'PENDING'; readonly dueAt: number; readonly free?: true }
  | { readonly to: 'SUCCEEDED' }
  | {
      readonly to: 'FAILED';
      readonly reason: FailedReason;
      /** What kept it from being sent, where the reason and its attempts do not say all. */
      readonly message?: string;
    }
  | { readonly to: 'CANCELLED'; readonly reason: CancelledReason };

/** A delivery that is not finished, as the dispatcher holds it. */
export interface WaitingDelivery {
  /** Its place in order of arrival (commit order), unique in the store. */
  readonly ord: number;
  readonly id: string;
  readonly webhookId: string;
  readonly eventId: string;
  /** Infinity for a run that waits for its turn: for the runs before it to be finished. */
  readonly dueAt: number;
  /**
   * When it first became due, or will: its place in an ordered lane, which no retry moves. Of a run that waits
   * for its turn it is when that came in.
   */
  readonly firstDueAt: number;
  /** Attempts made. */
  readonly attempts: number;
  /**
   * Those of them that do not count towards the policy's maximum: made before a caller had it sent again, or
   * failed by trouble of our own.
   */
  readonly attemptsBefore: number;
  /** Set when it is to be given up: an attempt in flight may still succeed, but is not followed by another. */
  readonly ending?: EndingReason;
  readonly format: DeliveryFormat;
  /** Something was rendered for it, and is kept beside it. */
  readonly rendered: boolean;
  /** It could not be made of its event when that came in, and is to be made when it has its turn. */
  readonly toRender?: true;
  /** The delivery that this one repeats. */
  readonly replayOf?: string;
}

/** A delivery as a reader sees it. */
export interface Delivery {
  readonly id: string;
  readonly namespace: string;
  /** The webhook's own id, its uid. */
  readonly webhookId: string;
  /** The id that a caller gave the webhook. */
  readonly webhookCallerId?: string;
  /** What the webhook is called now; undefined once it was removed. */
  readonly webhookName?: string;
  /** The event's id as readers see it. */
  readonly eventId: string;
  readonly eventType: string;
  readonly state: DeliveryState;
  readonly reason?: FailedReason | CancelledReason;
  /** What kept it from being sent, in words, where no attempt shows it. */
  readonly message?: string;
  readonly attemptCount: number;
  /** When the next attempt is due, while PENDING; undefined for a run that waits for its turn. */
  readonly dueAt?: number;
  /** The nominal time, for a scheduled run. */
  readonly nominalAt?: number;
  readonly createdAt: number;
  readonly finishedAt?: number;
  /** The status code of the last answer, if there was one. */
  readonly lastStatus?: number;
  /** The delivery that this one repeats. */
  readonly replayOf?: string;
}

/** The same with its attempts, oldest first. */
export interface DeliveryDetail extends Delivery {
  readonly attempts: readonly Attempt[];
  /** The delivery that goes before all others of its webhook, which is ordered; undefined where that is this one. */
  readonly waitsFor?: string;
}

/** Something that happened to a delivery, as a watcher sees it. */
export interface DeliveryChange {
  /** Its place in the order in which changes became durable. */
  readonly seq: number;
  /** The delivery as it was then. */
  readonly delivery: Delivery;
  /** The attempt that was made, if one was, without the body of its answer. */
  readonly attempt?: Attempt;
}
