import { once } from 'node:events';
import { createServer } from 'node:http';
import { createServer as createHttp2Server, type ServerHttp2Session } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/domain/clock.ts';
import { mountServices } from '../../src/rpc/api.ts';
import type { Services } from '../../src/rpc/services.ts';
import type { Address } from '../../src/server/listen/bind.ts';
import { type EchoImpl, echoServices } from './echo.ts';
import { type WatchedLog, watchedLog } from './log.ts';

/** The carriers of the port for everything, with a service of the tests. */
export interface SharedPort extends AsyncDisposable, WatchedLog {
  /** HTTP/1.1. */
  readonly http1: Address;
  /** HTTP/2 without TLS. */
  readonly http2: Address;
}

export async function startShared(
  services: Pick<Services, 'mounted' | 'guard'>,
  messageBytesMax = 4 * 1024 * 1024,
): Promise<SharedPort> {
  const watched = watchedLog();
  const { handle } = mountServices(services, {
    clock: systemClock,
    log: watched.log,
    settings: { messageBytesMax },
  });
  const http1 = createServer((request, response) => void handle(request, response));
  const http2 = createHttp2Server((request, response) => void handle(request, response));
  const sessions = new Set<ServerHttp2Session>();
  http2.on('session', (session) => sessions.add(session));
  for (const server of [http1, http2]) {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  }
  const addressOf = (server: typeof http1 | typeof http2): Address => ({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
  });
  return {
    ...watched,
    http1: addressOf(http1),
    http2: addressOf(http2),
    async [Symbol.asyncDispose]() {
      http1.closeAllConnections();
      for (const session of sessions) session.destroy();
      http1.close();
      http2.close();
    },
  };
}

/** The same with the echo service. */
export function startSharedEcho(impl: Partial<EchoImpl> = {}, messageBytesMax?: number): Promise<SharedPort> {
  return startShared(echoServices(impl), messageBytesMax);
}
