/** What of a lane outlives the process: it is written only when it changes. */
export interface LaneHealth {
  /** The first failure since the last success; null while the destination is well. */
  readonly failingSince: number | null;
  /** How often the circuit breaker opened since the last success; 0 while it is closed. */
  readonly trips: number;
  /** While the breaker is open, when a probe may go; null while it is closed. */
  readonly openUntil: number | null;
}

/** A lane in good health. */
export const HEALTHY: LaneHealth = { failingSince: null, trips: 0, openUntil: null };
