import { constants } from 'node:http2';
import { systemClock } from '../../domain/clock.ts';
import { createStarts } from '../../rpc/transport/starts.ts';
import type { Tls } from '../tls/tls.ts';
import { type Acceptor, accept } from './acceptor.ts';
import { isHttp2 } from './first-bytes.ts';
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
  /** Without it the port is cleartext. */
  readonly tls?: Pick<Tls, 'open'>;
  /** Told of what a handler threw, and of connections that could not be accepted. */
  readonly onError?: (error: unknown) => void;
}

/**
 * Serves HTTP/1.1 and HTTP/2 on one port: with prior knowledge in cleartext, by ALPN over TLS.
 *
 * Rejects with DomainError FAILED_PRECONDITION, its message for the operator, when it cannot listen.
 */
export async function createListener(options: ListenerOptions): Promise<Acceptor> {
  const limits = { ...LISTENER_LIMITS, ...options.limits };
  const onError = options.onError ?? (() => {});
  const deps: ProtocolDeps = {
    limits,
    handler: guarded(options.handler, onError),
    starts: createStarts(systemClock),
  };
  const http1 = http1Protocol(deps);
  const http2 = http2Protocol(deps);
  return accept(
    { ...options, option: '--listen' },
    {
      limits,
      ...(options.tls && { tls: options.tls }),
      onError,
      protocols: [http1, http2],
      take(socket, first) {
        socket.unshift(first);
        (isHttp2(first) ? http2 : http1).take(socket);
      },
    },
  );
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
