import {
  constants,
  type Http2Server,
  type Http2Session,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import type { ServiceImplSpec } from '@connectrpc/connect';
import type { Responder, Server } from '@grpc/grpc-js';
import type { Clock } from '../../domain/clock.ts';
import { DomainError } from '../../domain/error.ts';
import type { Log } from '../../telemetry/log.ts';
import { callLog } from '../transport/call-log.ts';
import type { Guard } from '../transport/guard.ts';
import { createStarts } from '../transport/starts.ts';
import { createStreamShares } from '../transport/stream-shares.ts';
import { type Arrival, receptionist } from './arrival.ts';
import { serve } from './calls.ts';
import { NATIVE_LIMITS, type NativeLimits } from './limits.ts';
import type { Receiving } from './reader.ts';
import type { Exchange } from './served-call.ts';
import { type Connection, followConnection } from './session.ts';
import { unpadded } from './status.ts';

/** gRPC by grpc-js, on connections that something else accepts. */
export interface NativePort {
  /** Serves a connection that begins with the preface of HTTP/2. */
  take(socket: Socket): void;
  /** Whether a call is in flight on a connection that it serves. */
  isBusy(socket: Socket): boolean;
  /** Takes no new calls, and closes connections as soon as those that were taken have ended. */
  drain(): void;
  /** Ends the calls in flight, and says so. */
  cutOff(): void;
  /** Frees what is left when all connections are closed. */
  close(): void;
}

export interface NativePortDeps {
  readonly services: { readonly mounted: readonly ServiceImplSpec[]; readonly guard: Guard };
  readonly settings: { readonly messageBytesMax: number };
  readonly clock: Clock;
  readonly log: Log;
  readonly limits?: Partial<NativeLimits>;
}

/**
 * Loads grpc-js, which is costly in time and memory, and mounts every service on it: the same
 * implementations as on the other port, by their descriptors.
 */
export async function openNativePort(deps: NativePortDeps): Promise<NativePort> {
  const { services, settings, clock, log } = deps;
  const { messageBytesMax } = settings;
  const limits = { ...NATIVE_LIMITS, ...deps.limits };
  const { Metadata, Server, ServerCredentials, ServerInterceptingCall, logVerbosity, setLogVerbosity } =
    await import('@grpc/grpc-js');
  // It prints headers that it cannot read, which can be anything, secrets too.
  setLogVerbosity(logVerbosity.NONE);

  const receiving = new Set<Receiving>();
  const inFlight = new Set<Exchange>();
  const exchanges = {
    guard: services.guard,
    clock,
    logCall: callLog({ clock, log }),
    limits,
    messageBytesMax,
    newMetadata: unpadded(Metadata),
    receiving,
    inFlight,
  };
  const desk = receptionist(services);
  const connections = new Map<Http2Session | undefined, Connection>();
  const bySocket = new WeakMap<Socket, Connection>();
  const starts = createStarts(clock);
  const shares = createStreamShares(limits.openMax);
  // From one listener of an event to the next, which are called at once one after the other.
  let arriving: Arrival | undefined;
  let taken: Socket | undefined;

  const server = new Server({
    'grpc.enable_channelz': 0,
    'grpc.max_receive_message_length': messageBytesMax,
    'grpc.max_send_message_length': -1,
    'grpc.max_concurrent_streams': limits.streamsMax,
    'grpc.max_connection_idle_ms': limits.idleMs,
    'grpc.max_connection_age_ms': limits.ageMs,
    'grpc.keepalive_time_ms': limits.probeMs,
    'grpc.keepalive_timeout_ms': limits.probeTimeoutMs,
    'grpc-node.max_session_memory': limits.sessionMemoryMib,
    interceptors: [
      (_method, base) => {
        serve(exchanges, base, arriving!);
        return new ServerInterceptingCall(base, TAKEN);
      },
    ],
  });
  // Of which kind a method is, and how its messages are read, is ours: see `serve`.
  for (const path of desk.methods.keys()) server.register(path, () => {}, asIs, asIs, 'bidi');
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());

  const http2 = http2Of(server);
  const [next] = http2.listeners('stream') as ((...args: unknown[]) => void)[];
  http2.removeAllListeners('stream');
  const onStream = (
    stream: ServerHttp2Stream,
    headers: IncomingHttpHeaders,
    _flags: number,
    rawHeaders: readonly string[],
  ): void => {
    // Nobody else hears of one that breaks before its turn, or whose connection is gone already.
    stream.on('error', () => {});
    const connection = connections.get(stream.session);
    if (connection === undefined) return;
    connection.begun(stream);
    const ended = shares.open(connection.socket.remoteAddress);
    if (ended === undefined) {
      stream.close(constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    stream.once('close', ended);
    starts.take(connection.socket, {
      begin() {
        arriving = desk.receive(stream, headers, rawHeaders);
        if (arriving !== undefined) next!(stream, headers);
        arriving = undefined;
      },
      isOver: () => stream.closed || stream.destroyed,
    });
  };
  http2.on('stream', onStream);
  http2.on('session', (session: ServerHttp2Session) => {
    const connection = followConnection({ session, socket: taken!, clock, limits });
    connections.set(session, connection);
    bySocket.set(taken!, connection);
    taken!.once('close', () => connections.delete(session));
  });

  const check = setInterval(() => {
    const before = clock.monotonic() - limits.requestMs;
    for (const each of receiving) if (each.since !== undefined && each.since < before) each.failSlow();
    for (const connection of connections.values()) connection.endIfDone();
  }, limits.checkMs);
  check.unref();

  return {
    take(socket) {
      taken = socket;
      injector.injectConnection(socket);
      taken = undefined;
    },
    isBusy: (socket) => (bySocket.get(socket)?.open ?? 0) > 0,
    drain() {
      server.tryShutdown(() => {});
      for (const connection of connections.values()) connection.endIfDone();
    },
    cutOff() {
      for (const each of [...inFlight]) each.fail(stopping());
    },
    close() {
      clearInterval(check);
      server.forceShutdown();
    },
  };
}

function stopping(): DomainError {
  return new DomainError('SERVER_STOPPING', 'the server is stopping, and this call was not done in time');
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

/**
 * Keeps from grpc-js what an interceptor of ours has taken. It would call a handler in the form of
 * callbacks and Node streams, which cost more than all the rest of a call.
 */
const TAKEN: Responder = { start() {} };

/**
 * The HTTP/2 server inside. It is private, but there is no other way to see a session or the head of a
 * call: to police pings, to keep long deadlines, and to name the methods that exist to a caller of one
 * that does not.
 */
function http2Of(server: Server): Http2Server {
  const { http2Servers } = server as unknown as { http2Servers: ReadonlyMap<Http2Server, unknown> };
  const [http2] = http2Servers.keys();
  if (http2 === undefined || http2.listenerCount('stream') !== 1) {
    throw new Error('this version of @grpc/grpc-js is not the one that Carillon was made for');
  }
  return http2;
}
