import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { takeAbsoluteForm } from './absolute-form.ts';
import type { Protocol, ProtocolDeps } from './http-protocol.ts';

/** HTTP/1.1 on connections that something else accepted. */
export function http1Protocol({ handler, limits }: ProtocolDeps): Protocol {
  const inFlight = new Set<ServerResponse>();
  let draining = false;

  const server = createServer(
    {
      maxHeaderSize: limits.headerBytesMax,
      headersTimeout: Math.min(limits.headersMs, limits.requestMs),
      // Node would bound open-ended requests too: see `boundRequest`.
      requestTimeout: 0,
      keepAliveTimeout: limits.keepAliveMs,
      connectionsCheckingInterval: limits.checkMs,
    },
    (request, response) => {
      takeAbsoluteForm(request);
      if (draining) response.shouldKeepAlive = false;
      inFlight.add(response);
      response.once('close', () => {
        inFlight.delete(response);
        // An answer that had begun before could not say `connection: close`.
        if (draining) setImmediate(() => server.closeIdleConnections());
      });
      const unbound = boundRequest(request, response, limits.requestMs);
      void handler(request, response, unbound);
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

const TOO_SLOW = 'HTTP/1.1 408 Request Timeout\r\nconnection: close\r\n\r\n';

/**
 * Drops the connection of a request that is not whole in time, as Node does, unless what this returns is
 * called: then it is answered as it comes.
 */
function boundRequest(request: IncomingMessage, response: ServerResponse, requestMs: number): () => void {
  if (hasNoBody(request)) return () => {};
  const timer = setTimeout(() => {
    const { socket } = request;
    if (request.complete || socket.destroyed) return;
    if (!response.headersSent) socket.write(TOO_SLOW);
    socket.destroy();
  }, requestMs);
  timer.unref();
  const unbound = () => clearTimeout(timer);
  request.once('close', unbound);
  return unbound;
}

function hasNoBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}
