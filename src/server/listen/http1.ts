import { createServer, type ServerResponse } from 'node:http';
import type { Protocol, ProtocolDeps } from './http-protocol.ts';

/** HTTP/1.1 on connections that something else accepted. */
export function http1Protocol({ handler, limits }: ProtocolDeps): Protocol {
  const inFlight = new Set<ServerResponse>();
  let draining = false;

  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: Math.min(limits.headersMs, limits.requestMs),
      requestTimeout: limits.requestMs,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkMs,
    },
    (request, response) => {
      if (draining) response.shouldKeepAlive = false;
      inFlight.add(response);
      response.once('close', () => {
        inFlight.delete(response);
        // An answer that had begun before could not say `connection: close`.
        if (draining) setImmediate(() => server.closeIdleConnections());
      });
      // Nothing streams both ways over HTTP/1.1.
      void handler(request, response, () => {});
    },
  );
  // The limits on time are enforced from this event on, and a server that never listens never has it:
  // without it, a client could send one byte a minute for ever.
  server.emit('listening');

  return {
    take(socket) {
      server.emit('connection', socket);
    },
    drain() {
      draining = true;
      for (const response of inFlight) {
        if (!response.headersSent) response.shouldKeepAlive = false;
      }
      server.closeIdleConnections();
    },
    close() {
      // Stops the checking of limits on time.
      server.close();
    },
  };
}
