import type { Socket } from 'node:net';
import type { Clock } from '../../domain/clock.ts';
import type { NativeLimits } from '../../rpc/native/limits.ts';
import type { Services } from '../../rpc/services.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Tls } from '../tls/tls.ts';
import { type Acceptor, accept } from './acceptor.ts';
import type { Address } from './bind.ts';
import { isHttp2 } from './first-bytes.ts';
import { LISTENER_LIMITS } from './http-protocol.ts';

export interface GrpcServerDeps {
  readonly services: Pick<Services, 'mounted' | 'guard'>;
  readonly settings: GrpcSettings;
  readonly log: Log;
  readonly clock: Clock;
  readonly limits?: Partial<NativeLimits>;
  /** Without it the port is cleartext. */
  readonly tls?: Pick<Tls, 'open'>;
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

export function createGrpcServer(deps: GrpcServerDeps): GrpcServer {
  const { settings, log, tls } = deps;
  let acceptor: Acceptor | undefined;

  return {
    async listen(address) {
      const { openNativePort } = await import('../../rpc/native/port.ts');
      const port = await openNativePort(deps);
      try {
        acceptor = await accept(
          { ...address, option: '--grpc-listen' },
          {
            limits: { ...LISTENER_LIMITS, connectionsMax: settings.connectionsMax },
            ...(tls && { tls }),
            onError: (error) => log.error({ err: error }, 'a gRPC connection could not be accepted'),
            protocols: [port],
            take(socket, first) {
              if (!isHttp2(first)) return refuse(socket);
              socket.unshift(first);
              port.take(socket);
            },
          },
        );
        return acceptor.address;
      } catch (error) {
        port.close();
        throw error;
      }
    },
    close: async (graceMs) => acceptor?.close(graceMs),
  };
}

const NOT_HTTP2 = 'this port speaks gRPC, over HTTP/2; HTTP/1.1 goes to the other port\n';

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
