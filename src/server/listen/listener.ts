import { constants } from 'node:http2';
import { createServer, type Socket } from 'node:net';
import { type Address, addressOf, listen } from './bind.ts';
import { firstBytes, isHttp2 } from './first-bytes.ts';
import {
  type Handler,
  LISTENER_LIMITS,
  type ListenerLimits,
  type ListenerResponse,
  type ProtocolDeps,
} from './http-protocol.ts';
import { http1Protocol } from './http1.ts';
import { http2Protocol } from './http2.ts';

export interface ListenerOptions {
  readonly handler: Handler;
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly limits?: Partial<ListenerLimits>;
  /** Told of what a handler threw, and of connections that could not be accepted. */
  readonly onError?: (error: unknown) => void;
}

export interface Listener {
  /** Where it listens, with the port that was free. */
  readonly address: Address;
  /**
   * Accepts nothing new, closes idle connections, and gives requests in flight `graceMs` to finish;
   * then cuts them off. Resolves when every connection is closed. Called again, it waits for the
   * first call, whose grace is shortened when the new one ends sooner.
   */
  close(graceMs: number): Promise<void>;
}

/** Before a quiet connection is asked whether its other end still exists. */
const PROBE_MS = 60_000;

/**
 * Serves HTTP/1.1 and HTTP/2 with prior knowledge on one cleartext port.
 *
 * Rejects with DomainError FAILED_PRECONDITION, its message for the operator, when it cannot listen.
 */
export async function createListener(options: ListenerOptions): Promise<Listener> {
  const limits = { ...LISTENER_LIMITS, ...options.limits };
  const onError = options.onError ?? (() => {});
  const deps: ProtocolDeps = { limits, handler: guarded(options.handler, onError) };
  const http1 = http1Protocol(deps);
  const http2 = http2Protocol(deps);
  const sockets = new Set<Socket>();
  const undecided = new Set<Socket>();

  const server = createServer({
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: PROBE_MS,
  });
  server.maxConnections = limits.connectionsMax;
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
    firstBytes(socket, limits.firstBytesMs, (bytes) => {
      undecided.delete(socket);
      socket.unshift(bytes);
      (isHttp2(bytes) ? http2 : http1).take(socket);
    });
  });
  await listen(server, { ...options, option: '--listen' });
  // From now on these are failures to accept one connection (no file handles left, say).
  server.on('error', onError);

  let closed: Promise<void> | undefined;
  let cutOff = (): void => {};
  return {
    address: addressOf(server),
    close(graceMs) {
      closed ??= new Promise<void>((resolve) => {
        server.close(() => {
          http1.close();
          http2.close();
          resolve();
        });
        cutOff = () => {
          for (const socket of sockets) socket.destroy();
        };
        for (const socket of undecided) socket.destroy();
        http1.drain();
        http2.drain();
      });
      const timer = setTimeout(cutOff, graceMs);
      return closed.finally(() => clearTimeout(timer));
    },
  };
}

function guarded(handler: Handler, onError: (error: unknown) => void): Handler {
  return async (request, response, openEnded) => {
    try {
      await handler(request, response, openEnded);
    } catch (error) {
      onError(error);
      fail(response);
    }
  };
}

/** The last resort for an answer whose handler broke: the client learns that, and nothing else. */
function fail(response: ListenerResponse): void {
  if (response.headersSent) {
    if ('stream' in response) response.stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    else response.destroy();
    return;
  }
  response.statusCode = 500;
  response.setHeader('content-type', 'text/plain');
  response.end('internal error\n');
}
