import { createServer, type Socket } from 'node:net';
import type { Clock } from '../../domain/clock.ts';
import type { NativeLimits } from '../../rpc/native/limits.ts';
import type { NativePort } from '../../rpc/native/port.ts';
import type { Services } from '../../rpc/services.ts';
import type { Log } from '../../telemetry/log.ts';
import { type Address, addressOf, listen } from './bind.ts';
import { firstBytes, isHttp2 } from './first-bytes.ts';
import { LISTENER_LIMITS } from './http-protocol.ts';

export interface GrpcServerDeps {
  readonly services: Pick<Services, 'mounted' | 'guard'>;
  readonly settings: GrpcSettings;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits?: Partial<NativeLimits>;
}

export interface GrpcSettings {
  /** The largest message that a call may send. */
  readonly messageBytesMax: number;
  /** Connections at once; further ones are closed as soon as they are made. */
  readonly connectionsMax: number;
}

/** The port of native gRPC. It does not own health: the code that stops it sets NOT_SERVING first. */
export interface GrpcServer {
  /**
   * Listens, once. Resolves with the address, with the port that was free. Rejects with DomainError
   * FAILED_PRECONDITION, its message for the operator, when it cannot listen.
   */
  listen(address: Address): Promise<Address>;
  /**
   * Accepts nothing new, and gives calls in flight `graceMs` to finish; then cuts them off. Resolves
   * when every connection is closed. Called again, it waits for the first call, whose grace is
   * shortened when the new one ends sooner. Called before it listens, it does nothing.
   */
  close(graceMs: number): Promise<void>;
}

/** Before a quiet connection is asked whether its other end still exists. */
const PROBE_MS = 60_000;

export function createGrpcServer(deps: GrpcServerDeps): GrpcServer {
  const { settings, log } = deps;
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();
  let port: NativePort | undefined;

  const server = createServer({ noDelay: true, keepAlive: true, keepAliveInitialDelay: PROBE_MS });
  server.maxConnections = settings.connectionsMax;
  server.on('connection', (socket) => {
    sockets.add(socket);
    undecided.add(socket);
    socket.on('close', () => {
      sockets.delete(socket);
      undecided.delete(socket);
    });
    // Connections break all the time. Whoever serves this one hears of it too; without a listener
    // here it would end the process while nobody does.
    socket.on('error', () => {});
    firstBytes(socket, LISTENER_LIMITS.firstBytesMs, (bytes) => {
      undecided.delete(socket);
      if (!isHttp2(bytes)) return refuse(socket);
      socket.unshift(bytes);
      port?.take(socket);
    });
  });

  async function stop(): Promise<void> {
    if (!server.listening) return;
    const ended = new Promise<void>((resolve) => server.close(() => resolve()));
    for (const socket of undecided) socket.destroy();
    port?.drain();
    await ended;
    port?.close();
  }

  let stopped: Promise<void> | undefined;
  return {
    async listen(address) {
      const { openNativePort } = await import('../../rpc/native/port.ts');
      port = await openNativePort(deps);
      try {
        await listen(server, { ...address, option: '--grpc-listen' });
      } catch (error) {
        port.close();
        throw error;
      }
      // From now on these are failures to accept one connection (no file handles left, say).
      server.on('error', (error) => log.error({ err: error }, 'a gRPC connection could not be accepted'));
      return addressOf(server);
    },
    close(graceMs) {
      stopped ??= stop();
      const timer = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, graceMs);
      return stopped.finally(() => clearTimeout(timer));
    },
  };
}

const NOT_HTTP2 =
  'this port speaks gRPC, over HTTP/2 with prior knowledge; HTTP/1.1 goes to the other port\n';

/** Tells a caller with a browser or curl to use the other port. */
function refuse(socket: Socket): void {
  socket.resume();
  socket.end(
    'HTTP/1.1 505 HTTP Version Not Supported\r\nconnection: close\r\ncontent-type: text/plain\r\n' +
      `content-length: ${NOT_HTTP2.length}\r\n\r\n${NOT_HTTP2}`,
  );
  const timer = setTimeout(() => socket.destroy(), LISTENER_LIMITS.lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}
