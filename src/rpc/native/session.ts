import { constants, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '../../domain/clock.ts';
import type { NativeLimits } from './limits.ts';

/** What grpc-js does not see to: pings, and other sides that do not hang up. */
export interface Connection {
  readonly socket: Socket;
  /** A call has begun on it. */
  begun(stream: ServerHttp2Stream): void;
  /** Calls that are open on it. */
  readonly open: number;
  /** Drops it in a while if it takes no more calls and has none: by then the other side should have closed it. */
  endIfDone(): void;
}

export interface ConnectionDeps {
  readonly session: ServerHttp2Session;
  readonly socket: Socket;
  readonly clock: Clock;
  readonly limits: Pick<NativeLimits, 'pingMinMs' | 'pingStrikesMax' | 'lingerMs'>;
}

export function followConnection({ session, socket, clock, limits }: ConnectionDeps): Connection {
  let open = 0;
  let ending: NodeJS.Timeout | undefined;
  const connection: Connection = {
    socket,
    begun(stream) {
      open++;
      stream.once('close', () => {
        open--;
        connection.endIfDone();
      });
    },
    get open() {
      return open;
    },
    endIfDone() {
      if (open > 0 || !session.closed || ending !== undefined || socket.closed) return;
      ending = setTimeout(() => socket.destroy(), limits.lingerMs);
      ending.unref();
    },
  };
  socket.once('close', () => clearTimeout(ending));

  const tooMany = pingJudge({ socket, clock, limits });
  session.on('ping', () => {
    if (!tooMany() || session.closed) return;
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, undefined, Buffer.from('too_many_pings'));
    session.destroy();
    connection.endIfDone();
  });
  return connection;
}

/**
 * HTTP/2 lets a caller that was answered go on sending for ever (RFC 9113, section 8.1); we do not. Soon when
 * the whole answer is on its way, for a stream that is left open keeps us from stopping.
 */
export function closeLater(
  stream: ServerHttp2Stream,
  { answeredMs, discardMs }: Pick<NativeLimits, 'answeredMs' | 'discardMs'>,
): void {
  if (stream.closed) return;
  const close = () => stream.close(constants.NGHTTP2_NO_ERROR);
  const check = setInterval(() => {
    if (stream.state.localClose === 1) close();
  }, answeredMs);
  const timer = setTimeout(close, discardMs);
  check.unref();
  timer.unref();
  stream.once('close', () => {
    clearInterval(check);
    clearTimeout(timer);
  });
}

/** What the answer to a ping takes on the wire: the head of a frame and eight bytes (RFC 9113, section 6.7). */
const PING_BYTES = 17;

/**
 * Tells of each ping whether it is one too many, as gRPC's guide to keep-alive has it
 * (https://github.com/grpc/grpc/blob/master/doc/keepalive.md). Callers also ping to measure how fast they
 * read, so pings that anything was sent in between do not count.
 */
function pingJudge({ socket, clock, limits }: Omit<ConnectionDeps, 'session'>): () => boolean {
  let lastAt = Number.NEGATIVE_INFINITY;
  let written = 0;
  let strikes = 0;
  return () => {
    const now = clock.monotonic();
    const quiet = socket.bytesWritten - written <= PING_BYTES;
    if (quiet && now - lastAt < limits.pingMinMs) strikes++;
    else strikes = 0;
    lastAt = now;
    written = socket.bytesWritten;
    return strikes > limits.pingStrikesMax;
  };
}
