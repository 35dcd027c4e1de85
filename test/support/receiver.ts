import { readFileSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type RequestListener,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';

/**
 * A real HTTP receiver on 127.0.0.1 that records what it gets and misbehaves as told.
 *
 *     await using receiver = await openReceiver();
 *     receiver.script(status(503), hang());   // for the next two requests, in order
 *     receiver.answer(status(204));           // for all others
 *     const [first] = await receiver.received(1);
 */
export interface Receiver extends AsyncDisposable {
  /** `http://127.0.0.1:<port>`, or `https://localhost:<port>` with TLS. No slash at the end. */
  readonly url: string;
  readonly port: number;
  /** Every request whose body has arrived, oldest first. */
  readonly requests: readonly ReceivedRequest[];
  /** How many connections were ever accepted. */
  readonly connections: number;
  /** Appends answers for the next requests, one each. */
  script(...answers: readonly Answer[]): void;
  /** Sets what a request gets when the script is empty. 200 with no body at first. */
  answer(answer: Answer): void;
  /** Resolves with all requests once there are at least `count`; rejects after `timeoutMs`. */
  received(count: number, timeoutMs?: number): Promise<readonly ReceivedRequest[]>;
  /** Drops every connection and stops listening. Tolerates being called twice. */
  close(): Promise<void>;
}

export interface ReceivedRequest {
  readonly method: string;
  /** With its query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  /** Names and values in turn, as they came. */
  readonly rawHeaders: readonly string[];
  readonly body: Buffer;
  /** Which connection it came on; 1 for the first. */
  readonly connection: number;
}

/** What becomes of a request; it is called once the request's body has arrived. */
export type Answer = (exchange: Exchange) => void;

export interface Exchange {
  readonly request: ReceivedRequest;
  readonly response: ServerResponse;
  readonly socket: Socket;
  /** Repeats until the receiver closes or the connection does. */
  every(ms: number, step: () => void): void;
  after(ms: number, step: () => void): void;
}

export interface ReceiverOptions {
  /** Serves HTTPS with the certificate in `test/testdata`, for localhost, receiver.example and 127.0.0.1, or so. */
  readonly tls?: boolean | ServerOptions;
  /** 0, the default, picks a free one. */
  readonly port?: number;
  /** How long an idle connection is kept; Node's 5,000 without one. */
  readonly keepAliveTimeoutMs?: number;
}

/** How long `received` waits without being told. */
const RECEIVED_TIMEOUT_MS = 10_000;

export async function openReceiver(options: ReceiverOptions = {}): Promise<Receiver> {
  const requests: ReceivedRequest[] = [];
  const script: Answer[] = [];
  const waiters = new Set<() => void>();
  const timers = new Set<NodeJS.Timeout>();
  const sockets = new Set<Socket>();
  const connectionOf = new WeakMap<Socket, number>();
  let connections = 0;
  let standing: Answer = status(200);

  const listener: RequestListener = (incoming, response) => {
    const chunks: Buffer[] = [];
    incoming.on('error', () => {});
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
    incoming.on('end', () => {
      const request = record(incoming, Buffer.concat(chunks), connectionOf.get(incoming.socket) ?? 0);
      requests.push(request);
      (script.shift() ?? standing)(exchangeOf(request, response, incoming.socket, timers));
      for (const check of waiters) check();
    });
  };
  const { tls = false } = options;
  const server = tls ? createTlsServer(tls === true ? certificate() : tls, listener) : createServer(listener);
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('close', () => sockets.delete(socket));
  });
  server.on(options.tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    connectionOf.set(socket, ++connections);
    socket.on('error', () => {});
  });
  // A client that gives up during the handshake is not the test's business.
  server.on('tlsClientError', () => {});
  if (options.keepAliveTimeoutMs !== undefined) server.keepAliveTimeout = options.keepAliveTimeoutMs;
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;

  async function close(): Promise<void> {
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    for (const socket of sockets) socket.destroy();
    if (server.listening) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  return {
    url: options.tls ? `https://localhost:${port}` : `http://127.0.0.1:${port}`,
    port,
    requests,
    get connections() {
      return connections;
    },
    script: (...answers) => void script.push(...answers),
    answer(answer) {
      standing = answer;
    },
    received(count, timeoutMs = RECEIVED_TIMEOUT_MS) {
      return new Promise((resolve, reject) => {
        const timer = setTimeout(() => {
          waiters.delete(check);
          reject(new Error(`${requests.length} requests of ${count} came within ${timeoutMs} ms`));
        }, timeoutMs);
        const check = () => {
          if (requests.length < count) return;
          clearTimeout(timer);
          waiters.delete(check);
          resolve(requests);
        };
        waiters.add(check);
        check();
      });
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}

// ── Answers ────────────────────────────────────────────────────────────────────────────────────────

/** A plain answer. */
export function status(
  code: number,
  rest: { headers?: Record<string, string | string[]>; body?: string | Uint8Array; delayMs?: number } = {},
): Answer {
  return ({ response, after }) => {
    const send = () => response.writeHead(code, rest.headers).end(rest.body);
    if (rest.delayMs === undefined) send();
    else after(rest.delayMs, send);
  };
}

/** 302 to somewhere else. */
export function redirect(location: string): Answer {
  return status(302, { headers: { location } });
}

/** 410: the destination is gone for good. */
export function gone(): Answer {
  return status(410);
}

/** 429 with Retry-After, in seconds or as an HTTP date. */
export function tooMany(retryAfter: string | number): Answer {
  return status(429, { headers: { 'retry-after': String(retryAfter) } });
}

/** Takes the request and never answers. */
export function hang(): Answer {
  return () => {};
}

/** Resets the connection (TCP RST) instead of answering. */
export function reset(): Answer {
  return ({ socket }) => void socket.resetAndDestroy();
}

/** Closes the connection (TCP FIN) instead of answering. */
export function hangUp(): Answer {
  return ({ socket }) => void socket.destroy();
}

/** Sends a status line, headers and half of the promised body, then resets the connection. */
export function resetMidBody(code = 200): Answer {
  return ({ response, socket, after }) => {
    response.writeHead(code, { 'content-length': '10' });
    response.write('12345');
    after(20, () => void socket.resetAndDestroy());
  };
}

/** A body of `bytes` bytes of `x`, as fast as the reader takes them, with or without its length. */
export function huge(bytes: number, rest: { code?: number; chunked?: boolean } = {}): Answer {
  return ({ response }) => {
    response.writeHead(rest.code ?? 200, rest.chunked ? {} : { 'content-length': String(bytes) });
    const block = Buffer.alloc(64 * 1024, 'x');
    let left = bytes;
    const pump = () => {
      while (left > 0 && !response.destroyed) {
        const part = block.subarray(0, Math.min(left, block.length));
        left -= part.length;
        if (!response.write(part)) return void response.once('drain', pump);
      }
      response.end();
    };
    pump();
  };
}

/** A status and headers, then a byte of body every `everyMs`, for ever. */
export function endless(everyMs = 20, code = 200): Answer {
  return ({ response, every }) => {
    response.writeHead(code);
    response.flushHeaders();
    every(everyMs, () => void response.write('.'));
  };
}

/** A status line, then one header every `everyMs`, for ever. */
export function dripHeaders(everyMs = 20): Answer {
  return ({ socket, every }) => {
    socket.write('HTTP/1.1 200 OK\r\n');
    let number = 0;
    every(everyMs, () => void socket.write(`x-drip-${number++}: 1\r\n`));
  };
}

/** Bytes straight to the connection, which is then closed unless told to stay open. */
export function raw(bytes: string | Uint8Array, rest: { keepOpen?: boolean } = {}): Answer {
  return ({ socket }) => {
    socket.write(bytes);
    if (!rest.keepOpen) socket.end();
  };
}

/** Bytes that are not HTTP. */
export function garbage(): Answer {
  return raw('\u0000\u0001 this is not HTTP\r\n\r\n');
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** The PEM of the certificate that a TLS receiver shows; it signs itself. */
export function receiverCertificate(): string {
  return readFileSync(new URL('../testdata/receiver-cert.pem', import.meta.url), 'utf8');
}

function certificate(): { cert: string; key: string } {
  const key = readFileSync(new URL('../testdata/receiver-key.pem', import.meta.url), 'utf8');
  return { cert: receiverCertificate(), key };
}

function record(incoming: IncomingMessage, body: Buffer, connection: number): ReceivedRequest {
  return {
    method: incoming.method ?? '',
    path: incoming.url ?? '',
    headers: incoming.headers,
    rawHeaders: incoming.rawHeaders,
    body,
    connection,
  };
}

function exchangeOf(
  request: ReceivedRequest,
  response: ServerResponse,
  socket: Socket,
  timers: Set<NodeJS.Timeout>,
): Exchange {
  response.on('error', () => {});
  return {
    request,
    response,
    socket,
    every(ms, step) {
      const timer = setInterval(() => {
        if (!socket.destroyed) return step();
        clearInterval(timer);
        timers.delete(timer);
      }, ms);
      timers.add(timer);
    },
    after(ms, step) {
      const timer = setTimeout(() => {
        timers.delete(timer);
        step();
      }, ms);
      timers.add(timer);
    },
  };
}
