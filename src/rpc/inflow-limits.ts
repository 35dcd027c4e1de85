/** What requests may take in memory, from their first bytes until what they ask for is done. */
export interface InflowLimits {
  /** Bytes of all; an eighth of it is kept for messages of up to `smallBytes`. */
  readonly bytesMax: number;
  readonly smallBytes: number;
  /** How long a message may wait for room. */
  readonly waitMs: number;
  /** A message that arrives more slowly, while others wait for room, is refused after `slowMs`. */
  readonly bytesPerSecondMin: number;
  readonly slowMs: number;
  /** How often limits on time are looked at. */
  readonly checkMs: number;
}

export const INFLOW_LIMITS: InflowLimits = {
  bytesMax: 64 * 1024 * 1024,
  smallBytes: 64 * 1024,
  waitMs: 15_000,
  bytesPerSecondMin: 32 * 1024,
  slowMs: 1_500,
  checkMs: 500,
};
