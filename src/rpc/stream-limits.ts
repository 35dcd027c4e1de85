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
