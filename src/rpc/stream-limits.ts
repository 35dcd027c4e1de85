/** Bounds of the calls that last, apart from those calls, so that settings can name them. */

/** Bounds of WatchDeliveries. */
export interface WatchLimits {
  /** Watch calls open at a time; further ones are refused. */
  readonly watchersMax: number;
  /** Changes that a watcher reads, and holds, at a time. */
  readonly pageMax: number;
  /** The least time between two reads of a watcher that has seen everything, so that many of them cost deliveries little. */
  readonly restMs: number;
  /** How soon a watcher looks without having been told of anything; twice as late each time, up to the most. */
  readonly pollMinMs: number;
  readonly pollMaxMs: number;
  /** After so long without a message, one that carries a token alone is sent. */
  readonly heartbeatMs: number;
}

export const WATCH_LIMITS: WatchLimits = {
  watchersMax: 100,
  pageMax: 32,
  restMs: 100,
  pollMinMs: 500,
  pollMaxMs: 5_000,
  heartbeatMs: 15_000,
};

/**
 * Bounds of PublishStream. Where one of them is reached, except for the first, nothing more is read of a
 * stream, and flow control slows its caller down.
 */
export interface StreamLimits {
  /** Streams open at a time; further ones are refused. */
  readonly streamsMax: number;
  /** Events of a stream whose answers its caller has not taken. */
  readonly unansweredMax: number;
  /** About the memory of a stream's events that are not durable yet; one more event may be held. */
  readonly streamBytesMax: number;
  /** The same of all streams together. */
  readonly bytesMax: number;
}

export const STREAM_LIMITS: StreamLimits = {
  streamsMax: 1_000,
  unansweredMax: 1_000,
  streamBytesMax: 4 * 1024 * 1024,
  bytesMax: 64 * 1024 * 1024,
};
