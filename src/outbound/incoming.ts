import type { Socket } from 'node:net';
import { headEnd } from './answer-head.ts';
import { SendFailure } from './failure.ts';

/**
 * What comes in over a connection, between the socket and undici. Undici closes the connection at a
 * `100 Continue` that it did not ask for, reads interim answers without a bound, and keeps nothing of a head
 * that it does not understand. So it gets each head in one piece, without the interim answers before it, and
 * what it was given can be read again. Bodies pass as they come, and are only counted.
 */
export interface Incoming {
  /** A request is about to be sent: what comes now is its answer. */
  expect(): void;
  /** What undici was given first of the answer: its head, and perhaps a part of its body. */
  readonly beginning: Buffer | undefined;
  /** Drops the beginning. */
  forget(): void;
  /** The alert by which the other side ended TLS. What follows it hides it from undici: that the connection was closed. */
  readonly alert: Error | undefined;
}

/** The longest head of an answer, and the most of interim answers before it. */
export const RESPONSE_HEAD_BYTES = 64 * 1024;

/**
 * The most that is read of an answer: of its body, so that its connection can be used again, with what is
 * around its chunks.
 */
export const RESPONSE_READ_BYTES = 1024 * 1024;

/** Puts itself before the reading of a socket. `peer` is its other end as a person would write it. */
export function listenTo(socket: Socket, peer: string): Incoming {
  const read = socket.read.bind(socket);
  let inHead = false;
  /** The part of a head that has come so far. */
  let waiting: Buffer | undefined;
  let beginning: Buffer | undefined;
  let interimBytes = 0;
  let bodyBytes = 0;
  let alert: Error | undefined;
  socket.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code?.startsWith('ERR_SSL_')) alert ??= error;
  });

  function refuse(message: string): undefined {
    waiting = undefined;
    socket.destroy(new SendFailure('PROTOCOL', message));
  }

  /** What undici is to get of a head, and what came with it; undefined while there is nothing for it. */
  function passHead(chunk: Buffer): Buffer | undefined {
    let searched = waiting?.length ?? 0;
    let bytes = waiting === undefined ? chunk : Buffer.concat([waiting, chunk]);
    waiting = undefined;
    for (;;) {
      // Something else than HTTP need not have an end.
      if (!beginsLikeHttp(bytes)) return pass(bytes);
      const end = headEnd(bytes, searched);
      if (end < 0) {
        if (bytes.length > RESPONSE_HEAD_BYTES)
          return refuse(`the headers of the answer from ${peer} are too big to read`);
        waiting = bytes;
        return undefined;
      }
      if (!isInterim(bytes)) return pass(bytes);
      interimBytes += end;
      if (interimBytes > RESPONSE_HEAD_BYTES) {
        return refuse(`${peer} sent more than ${RESPONSE_HEAD_BYTES} bytes of interim answers (1xx)`);
      }
      bytes = bytes.subarray(end);
      searched = 0;
      if (bytes.length === 0) return undefined;
    }
  }

  function pass(bytes: Buffer): Buffer {
    inHead = false;
    beginning = bytes;
    return bytes;
  }

  function passBody(chunk: Buffer): Buffer | undefined {
    bodyBytes += chunk.length;
    return bodyBytes <= RESPONSE_READ_BYTES + RESPONSE_HEAD_BYTES
      ? chunk
      : refuse(`the answer of ${peer} takes more than ${RESPONSE_READ_BYTES} bytes`);
  }

  socket.read = (size?: number) => {
    for (;;) {
      const chunk: Buffer | null = read(size);
      if (chunk === null) return null;
      const passed = inHead ? passHead(chunk) : passBody(chunk);
      if (passed !== undefined) return passed;
    }
  };

  return {
    get beginning() {
      return beginning;
    },
    get alert() {
      return alert;
    },
    expect() {
      inHead = true;
      waiting = undefined;
      beginning = undefined;
      interimBytes = 0;
      bodyBytes = 0;
    },
    forget() {
      beginning = undefined;
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const HTTP = Buffer.from('HTTP/');
/** Of `HTTP/1.1 200`, where the status stands. */
const STATUS_AT = 9;

function beginsLikeHttp(bytes: Buffer): boolean {
  const length = Math.min(bytes.length, HTTP.length);
  for (let i = 0; i < length; i++) if (bytes[i] !== HTTP[i]) return false;
  return true;
}

/** Whether another head follows this one. 101 is the last: what follows it is no HTTP. */
function isInterim(head: Buffer): boolean {
  if (head[STATUS_AT] !== 0x31) return false;
  const status = head.toString('latin1', STATUS_AT, STATUS_AT + 4);
  return /^1\d\d[ \r\n]/.test(status) && !status.startsWith('101');
}
