import { ANSWERED_LINGER_MS, DISCARD_MS } from '../transport/body.ts';
import { BODY_READ_MS } from '../transport/failures.ts';

/** What callers of the native port may do. The message size and the connections are settings. */
export interface NativeLimits {
  /** Calls at once on a connection; more are refused. */
  readonly streamsMax: number;
  /** Calls at once on all connections: an address may have as many as it leaves free, and more are refused. */
  readonly openMax: number;
  /** Mebibytes that one connection may hold in all; further calls on it are refused. */
  readonly sessionMemoryMib: number;
  /** Bytes of a stream's messages that may wait for its reader before the handler does. */
  readonly writeAheadBytes: number;
  /** How long the one message of a call may take to arrive, or one of many once it has begun to. */
  readonly requestMs: number;
  /** How long a caller may take to end its side of a call whose answer is on its way. */
  readonly answeredMs: number;
  /** How long it may leave unread what stands before a failure, or what it is told while it sends. */
  readonly discardMs: number;
  /** A connection without calls is closed after this long. */
  readonly idleMs: number;
  /** A connection takes no new calls after this long, give or take a tenth; those on it go on. Callers connect anew. */
  readonly ageMs: number;
  /** Before a connection is asked whether its other end still exists, and how long that may take. */
  readonly probeMs: number;
  readonly probeTimeoutMs: number;
  /** Pings that come sooner after one another, with nothing sent in between, are too many. */
  readonly pingMinMs: number;
  /** How many such pings are forgiven (gRPC's keep-alive guide has the same number). */
  readonly pingStrikesMax: number;
  /** How long the other side may take to close a connection that we are done with. */
  readonly lingerMs: number;
  /** How often limits on time are looked at, so how late they may be. */
  readonly checkMs: number;
}

export const NATIVE_LIMITS: NativeLimits = {
  streamsMax: 1000,
  openMax: 20_000,
  sessionMemoryMib: 64,
  writeAheadBytes: 64 * 1024,
  requestMs: BODY_READ_MS,
  answeredMs: ANSWERED_LINGER_MS,
  discardMs: DISCARD_MS,
  idleMs: 300_000,
  ageMs: 3_600_000,
  probeMs: 60_000,
  probeTimeoutMs: 20_000,
  pingMinMs: 10_000,
  pingStrikesMax: 2,
  lingerMs: 1000,
  checkMs: 5000,
};
