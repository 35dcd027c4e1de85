import type { Socket } from 'node:net';
import type { Certificates } from './certificates.ts';

/** How a receiver misbehaves. Its name is what `npm run hostile:receivers -- <name>` takes. */
export interface Behaviour {
  readonly name: string;
  /** In words. */
  readonly what: string;
  /** With which certificate it speaks TLS; plain HTTP without one. */
  readonly certificate?: Exclude<keyof Certificates, 'authority'>;
  /** It is to be reached with TLS, and speaks none. */
  readonly pretendsTls?: true;
  /** How large the events are that it gets; small without it. */
  readonly eventBytes?: number;
  /** What it does on a connection that was made. */
  connected?(socket: Socket): void;
  /** What it does when a request has come, head and body. Without one, the request is answered with 200. */
  asked?(socket: Socket): void;
}

/** Writes again and again until the connection is gone: as fast as it is taken, or every so many milliseconds. */
export function forEver(socket: Socket, bytes: string | Uint8Array, everyMs?: number): void {
  if (everyMs !== undefined) {
    const timer = setInterval(() => socket.write(bytes), everyMs);
    socket.once('close', () => clearInterval(timer));
    return;
  }
  const block = Buffer.concat(
    Array.from({ length: Math.ceil(65_536 / bytes.length) }, () => Buffer.from(bytes)),
  );
  const go = (): void => {
    while (!socket.destroyed && socket.write(block));
  };
  socket.on('drain', go);
  go();
}

/** The head of an answer. */
export function head(status: string, ...fields: string[]): string {
  return `HTTP/1.1 ${[status, ...fields].join('\r\n')}\r\n\r\n`;
}
