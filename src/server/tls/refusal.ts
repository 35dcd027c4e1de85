import { createServer, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Socket } from 'node:net';
import { isHttp2 } from '../listen/first-bytes.ts';
import type { ListenerLimits } from '../listen/http-protocol.ts';

/** What a connection with TLS begins with: a record of the type handshake (RFC 8446, section 5.1). */
const HANDSHAKE = 22;

export function isTls(first: Buffer): boolean {
  return first[0] === HANDSHAKE;
}

/** Why a connection is not served at all, as HTTP, the Connect protocol and gRPC say it. */
export interface Refusal {
  readonly status: 400 | 401;
  readonly code: 'failed_precondition' | 'unauthenticated';
  readonly message: string;
}

export const NEEDS_TLS: Refusal = {
  status: 400,
  code: 'failed_precondition',
  message: 'this port takes TLS only: call it with https://, and with gRPC over TLS',
};

/** Answers whatever is asked on a connection with why it is not served, in the protocol that it speaks, and closes it. */
export function refuseConnection(
  socket: Socket,
  first: Buffer,
  refusal: Refusal,
  limits: Pick<ListenerLimits, 'firstBytesMs' | 'lingerMs'>,
): void {
  // It may also ask nothing.
  closeIn(socket, limits.firstBytesMs);
  if (isHttp2(first)) {
    socket.unshift(first);
    inHttp2(socket, refusal, () => closeIn(socket, limits.lingerMs));
  } else {
    socket.resume();
    socket.end(inHttp1(refusal));
    closeIn(socket, limits.lingerMs);
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const REASONS = { 400: 'Bad Request', 401: 'Unauthorized' } as const;
const GRPC_STATUS = { failed_precondition: 9, unauthenticated: 16 } as const;

function closeIn(socket: Socket, ms: number): void {
  const timer = setTimeout(() => socket.destroy(), ms);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

/** JSON that every client of the Connect protocol shows, and people can read. */
function bodyOf({ code, message }: Refusal): string {
  return `${JSON.stringify({ code, message })}\n`;
}

function inHttp1(refusal: Refusal): string {
  const body = bodyOf(refusal);
  return (
    `HTTP/1.1 ${refusal.status} ${REASONS[refusal.status]}\r\nconnection: close\r\n` +
    `content-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** A server that answers everything alike, and takes little for it. */
const http2 = createServer({ settings: { maxConcurrentStreams: 16 }, maxSessionMemory: 1 });
http2.on('sessionError', () => {});
http2.on('session', (session) => {
  const { refusal, answered } = taken!;
  session.on('stream', (stream, headers) => {
    answer(stream, headers, refusal);
    session.close();
    answered();
  });
});
/** From the connection to its session, which is there at once, or never. */
let taken: { readonly refusal: Refusal; readonly answered: () => void } | undefined;

function inHttp2(socket: Socket, refusal: Refusal, answered: () => void): void {
  taken = { refusal, answered };
  http2.emit('connection', socket);
  taken = undefined;
}

function answer(stream: ServerHttp2Stream, headers: IncomingHttpHeaders, refusal: Refusal): void {
  stream.on('error', () => {});
  stream.resume();
  const type = headers['content-type'] ?? '';
  if (type.startsWith('application/grpc')) {
    const told = { 'grpc-status': GRPC_STATUS[refusal.code], 'grpc-message': encodeURI(refusal.message) };
    stream.respond({ ':status': 200, 'content-type': type, ...told }, { endStream: true });
  } else {
    stream.respond({ ':status': refusal.status, 'content-type': 'application/json' });
    stream.end(bodyOf(refusal));
  }
}
