import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { Socket } from 'node:net';
import type { Starts } from '../../rpc/transport/starts.ts';

export type ListenerRequest = IncomingMessage | Http2ServerRequest;
export type ListenerResponse = ServerResponse | Http2ServerResponse;

/**
 * Answers one request. What it throws becomes a 500 and goes to `onError`. `openEnded` is called for a
 * request that is answered as it comes and may never be whole, so that its time is not limited.
 */
export type Handler = (
  request: ListenerRequest,
  response: ListenerResponse,
  openEnded: () => void,
) => void | Promise<void>;

/** One of the two protocols on the port. */
export interface Protocol {
  /** Serves a connection whose first bytes are waiting to be read. */
  take(socket: Socket): void;
  /** Whether a request is in flight on a connection that it serves. */
  isBusy(socket: Socket): boolean;
  /** Closes connections as soon as no request is in flight on them. */
  drain(): void;
  /** Ends the requests in flight and answers them so, where the protocol has words for it. */
  cutOff?(): void;
  /** Frees what is left when all connections are closed. */
  close(): void;
}

export interface ProtocolDeps {
  readonly handler: Handler;
  readonly limits: ListenerLimits;
  /** Of both protocols, since they share the event loop. */
  readonly starts: Starts;
}

export interface ListenerLimits {
  /** Connections at once; for one more, one without a request in flight is closed, or else the new one. */
  readonly connectionsMax: number;
  /** How long a new connection may take to show which protocol it speaks. */
  readonly firstBytesMs: number;
  /** How long the head of an HTTP/1.1 request may take. */
  readonly headersMs: number;
  /** How long a request may take to arrive whole, unless its answer has begun or it is open-ended. */
  readonly requestMs: number;
  /** How long an HTTP/1.1 connection is kept between requests. Load balancers keep theirs for 60 s. */
  readonly keepAliveMs: number;
  /** An HTTP/2 connection without streams is closed after this long, or twice as long at most. */
  readonly sessionIdleMs: number;
  /** How long the other side may take to close a connection that we are done with. */
  readonly lingerMs: number;
  /** Streams at once on an HTTP/2 connection; more are refused. */
  readonly streamsMax: number;
  /** Streams at once on all HTTP/2 connections: an address may have as many as it leaves free, and more are refused. */
  readonly openMax: number;
  /** Bytes of the head of a request. */
  readonly headerBytesMax: number;
  /** How often limits on time are looked at for HTTP/1.1, so how late they may be. */
  readonly checkMs: number;
}

export const LISTENER_LIMITS: ListenerLimits = {
  connectionsMax: 10_000,
  firstBytesMs: 10_000,
  headersMs: 15_000,
  requestMs: 60_000,
  keepAliveMs: 65_000,
  sessionIdleMs: 300_000,
  lingerMs: 1000,
  streamsMax: 1000,
  openMax: 20_000,
  headerBytesMax: 16 * 1024,
  checkMs: 5000,
};
