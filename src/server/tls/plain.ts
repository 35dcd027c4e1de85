import type { Socket } from 'node:net';
import { isHttp2 } from '../listen/first-bytes.ts';

/** What a connection with TLS begins with: a record of the type handshake (RFC 8446, section 5.1). */
const HANDSHAKE = 22;

export function isTls(first: Buffer): boolean {
  return first[0] === HANDSHAKE;
}

const MESSAGE = 'this port takes TLS only: call it with https://, and with gRPC over TLS';

/** As JSON that every client of the Connect protocol shows, and people can read. */
const BODY = `${JSON.stringify({ code: 'failed_precondition', message: MESSAGE })}\n`;
const HTTP1 =
  'HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-type: application/json\r\n' +
  `content-length: ${BODY.length}\r\n\r\n${BODY}`;

/** Tells a caller without TLS, in the protocol that it speaks, that it is needed. */
export function refusePlain(socket: Socket, first: Buffer, lingerMs: number): void {
  socket.resume();
  socket.end(isHttp2(first) ? goAway() : HTTP1);
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Empty settings, with which a server must begin, and the end with its reason (RFC 9113, sections 6.5 and 6.8). */
function goAway(): Buffer {
  const SETTINGS = 4;
  const GOAWAY = 7;
  const INADEQUATE_SECURITY = 12;
  const why = Buffer.alloc(8 + MESSAGE.length);
  why.writeUInt32BE(INADEQUATE_SECURITY, 4);
  why.write(MESSAGE, 8);
  return Buffer.concat([frame(SETTINGS, Buffer.alloc(0)), frame(GOAWAY, why)]);
}

function frame(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  return Buffer.concat([head, payload]);
}
