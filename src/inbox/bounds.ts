/** What the inbox may hold, and what happens at each bound. Bytes are bytes, times milliseconds. */
export interface InboxBounds {
  /** Inboxes. The one that has been quiet for longest is dropped with its requests and its answer. */
  readonly namesMax: number;
  /** Requests of one inbox. The oldest is dropped. */
  readonly requestsMax: number;
  /** Everything kept, of all inboxes. The oldest request of all is dropped. */
  readonly totalBytesMax: number;
  /** A request's body. A longer one is answered 413 and listed as refused. */
  readonly bodyBytesMax: number;
  /** What is kept of a body. The rest is counted, checked against the signature, and let go. */
  readonly keptBytesMax: number;
  /** What is read of a body that is too long, so that its sender sees the 413. Then it is cut off. */
  readonly discardBytesMax: number;
  /** The time a body may take to arrive. A slower one is answered 408 and listed as refused. */
  readonly bodyMs: number;
  /** Bodies being read or checked at once, in bytes. One more is answered 503 and only counted. */
  readonly readingBytesMax: number;
  /** Requests being read, or waiting for a delayed answer. One more is answered 503 and only counted. */
  readonly openMax: number;
  /** Pages that watch. One more is answered 503. */
  readonly watchersMax: number;
  /** What one watcher may leave unread. A slower one is cut off; the page connects again by itself. */
  readonly watcherBytesMax: number;
  /** How often a watcher hears something, so that a dead connection is noticed. */
  readonly heartbeatMs: number;
}

const KIB = 1024;
const MIB = 1024 * KIB;

export const DEFAULT_BOUNDS: InboxBounds = {
  namesMax: 200,
  requestsMax: 200,
  totalBytesMax: 32 * MIB,
  bodyBytesMax: MIB,
  keptBytesMax: 256 * KIB,
  discardBytesMax: 8 * MIB,
  bodyMs: 30_000,
  readingBytesMax: 32 * MIB,
  openMax: 1024,
  watchersMax: 64,
  watcherBytesMax: MIB,
  heartbeatMs: 15_000,
};
