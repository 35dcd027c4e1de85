import {
  constants,
  createServer,
  type Http2Session,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { Socket } from 'node:net';
import { createStreamShares } from '../../rpc/transport/stream-shares.ts';
import type { Protocol, ProtocolDeps } from './http-protocol.ts';

/** Megabytes that one connection may hold in all: its streams, heads and what is not yet sent. */
const SESSION_MEMORY_MIB = 10;

/** One connection and how many streams are open on it. */
interface Session {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  open: number;
}

/** HTTP/2 with prior knowledge on connections that something else accepted. */
export function http2Protocol({ handler, limits, starts }: ProtocolDeps): Protocol {
  const sessions = new Map<Http2Session | undefined, Session>();
  const bySocket = new WeakMap<Socket, Session>();
  const openEnded = new WeakSet<ServerHttp2Stream>();
  let draining = false;
  const shares = createStreamShares(limits.openMax);

  // What a connection may do in resets (CVE-2023-44487), pings, settings, invalid frames and refused
  // streams is bounded by Node's defaults, which are meant for the open internet.
  const server = createServer(
    {
      settings: { maxConcurrentStreams: limits.streamsMax, maxHeaderListSize: limits.headerBytesMax },
      maxSessionMemory: SESSION_MEMORY_MIB,
    },
    (request, response) => {
      const { stream } = request;
      const held = sessions.get(stream.session);
      const ended = held && shares.open(held.socket.remoteAddress);
      if (held === undefined || ended === undefined) {
        stream.close(constants.NGHTTP2_REFUSED_STREAM);
        return;
      }
      stream.once('close', ended);
      starts.take(held.socket, {
        begin: () => void handler(request, response, () => openEnded.add(stream)),
        isOver: () => stream.closed || stream.destroyed,
      });
    },
  );
  let taken: Socket | undefined;
  server.on('session', (session) => {
    const held: Session = { session, socket: taken!, open: 0 };
    let busy = true;
    sessions.set(session, held);
    bySocket.set(held.socket, held);
    session.on('stream', (stream) => {
      busy = true;
      held.open++;
      stream.once('close', () => {
        held.open--;
        if (draining && held.open === 0) finish(held, limits.lingerMs);
      });
      boundRequest(stream, limits.requestMs, () => openEnded.has(stream));
    });
    // By the clock and not by traffic, so that a client cannot keep it with pings or half a frame.
    const idle = setInterval(() => {
      if (!busy) finish(held, limits.lingerMs);
      busy = held.open > 0;
    }, limits.sessionIdleMs);
    idle.unref();
    held.socket.once('close', () => {
      clearInterval(idle);
      sessions.delete(session);
    });
  });

  return {
    take(socket) {
      taken = socket;
      server.emit('connection', socket);
      taken = undefined;
    },
    isBusy: (socket) => (bySocket.get(socket)?.open ?? 0) > 0,
    drain() {
      draining = true;
      for (const held of sessions.values()) {
        if (held.open === 0) finish(held, limits.lingerMs);
        else held.session.close();
      }
    },
    close() {
      server.close();
    },
  };
}

/** Says GOAWAY, then closes; and drops the connection if the other side does not close its half. */
function finish({ session, socket }: Session, lingerMs: number): void {
  session.close();
  const timer = setTimeout(() => {
    if (socket.writableFinished || socket.writableLength === 0) socket.destroy();
    else socket.once('finish', () => socket.destroy());
  }, lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** Node bounds how long a request may take to arrive for HTTP/1.1 only; this is the same for a stream. */
function boundRequest(stream: ServerHttp2Stream, requestMs: number, isOpenEnded: () => boolean): void {
  if (stream.endAfterHeaders) return;
  const timer = setTimeout(() => {
    const whole = stream.state.remoteClose === 1;
    const left = whole || stream.headersSent || stream.destroyed || isOpenEnded();
    if (!left) stream.close(constants.NGHTTP2_CANCEL);
  }, requestMs);
  timer.unref();
  stream.once('close', () => clearTimeout(timer));
}
