/** What answers may take in memory that their callers have not taken. */
export interface OutboxLimits {
  /** Of one connection, about: what an answer will take is not known before it is made. Further calls wait. */
  readonly connectionBytesMax: number;
  /** The same of all; the connection that holds most, and has not read for `pressedMs`, is cut off. */
  readonly bytesMax: number;
  /** How long a caller may leave an answer unread, besides the time that its bytes take at `bytesPerSecondMin`. */
  readonly takeMs: number;
  readonly bytesPerSecondMin: number;
  readonly pressedMs: number;
  /** How often limits on time are looked at. */
  readonly checkMs: number;
}

export const OUTBOX_LIMITS: OutboxLimits = {
  connectionBytesMax: 16 * 1024 * 1024,
  bytesMax: 128 * 1024 * 1024,
  takeMs: 30_000,
  bytesPerSecondMin: 32 * 1024,
  pressedMs: 1_000,
  checkMs: 500,
};
