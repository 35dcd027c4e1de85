/** How it goes with the deliveries of a webhook. */
export interface Traffic {
  /** How many are PENDING. */
  readonly waiting: number;
  /** The attempt that was recorded last. */
  readonly lastAttempt?: LastAttempt;
}

interface LastAttempt {
  /** When it began. */
  readonly at: number;
  /** The status code of the answer; 0 when there was none. */
  readonly status: number;
  /** Undefined once the delivery is no longer kept. */
  readonly deliveryId?: string;
}
