import type { Socket } from 'node:net';
import { isHttp2 } from '../listen/first-bytes.ts';

/** What a connection with TLS begins with: a record of the type handshake (RFC 8446, section 5.1). */
const HANDSHAKE = 22;

export function isTls(first: Buffer): boolean {
  return first[0] === HANDSHAKE;
}

/** Why a connection is not served at all, in HTTP/1.1 and as the Connect protocol says it. */
export interface Refusal {
  readonly status: string;
  readonly code: string;
  readonly message: string;
}

export const NEEDS_TLS: Refusal = {
  status: '400 Bad Request',
  code: 'failed_precondition',
  message: 'this port takes TLS only: call it with https://, and with gRPC over TLS',
};

/** Tells a caller why, in the protocol that it speaks, and closes the connection. */
export function refuseConnection(socket: Socket, first: Buffer, refusal: Refusal, lingerMs: number): void {
  socket.resume();
  socket.end(isHttp2(first) ? goAway(refusal) : inHttp1(refusal));
  const timer = setTimeout(() => socket.destroy(), lingerMs);
  timer.unref();
  socket.once('close', () => clearTimeout(timer));
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** JSON that every client of the Connect protocol shows, and people can read. */
function inHttp1({ status, code, message }: Refusal): string {
  const body = `${JSON.stringify({ code, message })}\n`;
  return (
    `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: application/json\r\n` +
    `content-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  );
}

/** Empty settings, with which a server must begin, and the end with its reason (RFC 9113, sections 6.5 and 6.8). */
function goAway({ message }: Refusal): Buffer {
  const SETTINGS = 4;
  const GOAWAY = 7;
  const INADEQUATE_SECURITY = 12;
  const head = Buffer.alloc(8);
  head.writeUInt32BE(INADEQUATE_SECURITY, 4);
  return Buffer.concat([
    frame(SETTINGS, Buffer.alloc(0)),
    frame(GOAWAY, Buffer.concat([head, Buffer.from(message)])),
  ]);
}

function frame(type: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  return Buffer.concat([head, payload]);
}
