import type { Socket } from 'node:net';

/** What an HTTP/2 connection with prior knowledge begins with (RFC 9113, section 3.4). No method does. */
const PREFACE = Buffer.from('PRI ');

/** Whether the first bytes of a connection are those of HTTP/2. */
export function isHttp2(bytes: Buffer): boolean {
  return bytes.subarray(0, PREFACE.length).equals(PREFACE);
}

/** Waits for enough bytes to tell the protocol; a connection that takes too long is dropped. */
export function firstBytes(socket: Socket, timeoutMs: number, decide: (bytes: Buffer) => void): void {
  const timer = setTimeout(() => socket.destroy(), timeoutMs);
  let seen: Buffer = Buffer.alloc(0);
  const read = (): void => {
    const chunk: Buffer | null = socket.read();
    if (chunk === null) {
      socket.once('readable', read);
      return;
    }
    seen = seen.length === 0 ? chunk : Buffer.concat([seen, chunk]);
    if (seen.length < PREFACE.length && PREFACE.subarray(0, seen.length).equals(seen)) {
      socket.once('readable', read);
      return;
    }
    clearTimeout(timer);
    socket.off('end', drop);
    decide(seen);
  };
  const drop = (): void => {
    socket.destroy();
  };
  socket.once('end', drop);
  socket.once('close', () => clearTimeout(timer));
  socket.once('readable', read);
}
