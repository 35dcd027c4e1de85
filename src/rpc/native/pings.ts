import { constants, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock } from '../../domain/clock.ts';
import type { NativeLimits } from './limits.ts';

export interface PingPolicy {
  readonly clock: Clock;
  readonly limits: Pick<NativeLimits, 'pingMinMs' | 'pingStrikesMax'>;
}

/** What the answer to a ping takes on the wire: the head of a frame and eight bytes (RFC 9113, section 6.7). */
const PING_BYTES = 17;

/**
 * Ends a connection that pings more often than makes sense, as gRPC's guide to keep-alive has it
 * (https://github.com/grpc/grpc/blob/master/doc/keepalive.md): grpc-js does not look at pings. Callers
 * ping to measure what they read (BDP), so pings that anything was sent in between do not count.
 */
export function policePings(
  session: ServerHttp2Session,
  socket: Socket,
  { clock, limits }: PingPolicy,
): void {
  let lastAt = Number.NEGATIVE_INFINITY;
  let written = 0;
  let strikes = 0;
  session.on('ping', () => {
    const now = clock.monotonic();
    const quiet = socket.bytesWritten - written <= PING_BYTES;
    if (!quiet || now - lastAt >= limits.pingMinMs) strikes = 0;
    else strikes++;
    lastAt = now;
    written = socket.bytesWritten;
    if (strikes <= limits.pingStrikesMax) return;
    session.goaway(constants.NGHTTP2_ENHANCE_YOUR_CALM, undefined, Buffer.from('too_many_pings'));
    session.destroy();
  });
}
