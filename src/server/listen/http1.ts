import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { takeAbsoluteForm } from './absolute-form.ts';
import type { Protocol, ProtocolDeps } from './http-protocol.ts';

/** HTTP/1.1 on connections that something else accepted. */
export function http1Protocol({ handler, limits, starts }: ProtocolDeps): Protocol {
  /** More than one of a connection whose caller does not wait for answers. */
  const inFlight = new Map<Socket, Set<ServerResponse>>();
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
      const { socket } = request;
      const answers = inFlight.get(socket) ?? new Set();
      inFlight.set(socket, answers.add(response));
      response.once('close', () => {
        answers.delete(response);
        if (answers.size === 0) inFlight.delete(socket);
        // An answer that had begun before could not say `connection: close`.
        if (draining) setImmediate(() => server.closeIdleConnections());
      });
      const unbound = boundRequest(request, response, limits.requestMs);
      starts.take(socket, {
        begin: () => void handler(request, response, unbound),
        isOver: () => socket.destroyed,
      });
    },
  );
  // Node would drop what stands behind 2,000 fields, and say nothing: what a proxy has added, say. Bytes bound them.
  server.maxHeadersCount = 0;
  server.on('clientError', (error, socket) => {
    const answers = [...(inFlight.get(socket as Socket) ?? [])];
    const begun = answers.some((response) => response.headersSent);
    refuse(error, socket as Socket, begun, limits.lingerMs);
  });
  // The limits on time are enforced from this event on, and a server that never listens never has it:
  // without it, a client could send one byte a minute for ever.
  server.emit('listening');

  return {
    take(socket) {
      server.emit('connection', socket);
    },
    isBusy: (socket) => inFlight.has(socket),
    drain() {
      draining = true;
      for (const answers of inFlight.values()) {
        for (const response of answers) if (!response.headersSent) response.shouldKeepAlive = false;
      }
      server.closeIdleConnections();
    },
    close() {
      // Stops the checking of limits on time.
      server.close();
    },
  };
}

const TOO_SLOW = answerOf('408 Request Timeout');
const BAD = answerOf('400 Bad Request');
/** By Node's code, as Node itself answers; to everything else it says 400. */
const REFUSALS: Readonly<Record<string, string>> = {
  HPE_HEADER_OVERFLOW: answerOf('431 Request Header Fields Too Large'),
  HPE_CHUNK_EXTENSIONS_OVERFLOW: answerOf('413 Payload Too Large'),
  ERR_HTTP_REQUEST_TIMEOUT: TOO_SLOW,
};

function answerOf(status: string): string {
  return `HTTP/1.1 ${status}\r\nconnection: close\r\n\r\n`;
}

/**
 * Refuses what cannot be read, in Node's words. Node would close at once, and a caller that is still sending
 * would then see a broken connection in place of the answer (RFC 9112, 9.6). So what still comes is dropped for
 * a while; a caller that has gone, or been answered in part, is not waited for.
 */
function refuse(error: NodeJS.ErrnoException, socket: Socket, begun: boolean, lingerMs: number): void {
  // Node reports each piece that comes after the one that it could not read.
  if (socket.writableEnded) return;
  if (begun || !socket.writable) {
    socket.destroy();
    return;
  }
  socket.end(REFUSALS[error.code ?? ''] ?? BAD);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

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
