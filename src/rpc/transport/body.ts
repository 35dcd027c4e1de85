import type { ConnectError } from '@connectrpc/connect';
import { BODY_READ_MS, tooLarge, tooSlow, wentAway } from './failures.ts';
import type { NodeRequest } from './node.ts';

/** How much of a refused body is read and dropped, so that its caller gets to read why it was refused. */
const DISCARD_BYTES_MAX = 32 * 1024 * 1024;
export const DISCARD_MS = 5_000;

/** How long a caller may take to end its side of a stream that was answered. */
export const ANSWERED_LINGER_MS = 100;

/** Reads and drops the body of a request that was refused by its head, so that its caller gets to read why. */
export function discardBody(request: NodeRequest): void {
  readBody(request, 0).catch(() => {});
}

/**
 * The pieces of a body, for as long as somebody wants them. The rest is read and dropped over HTTP/1.1, where the
 * connection could take no other request before; over HTTP/2 the stream ends with its answer.
 */
export async function* readPieces(request: NodeRequest): AsyncGenerator<Uint8Array> {
  try {
    // Node's own iteration would destroy the request, and then nobody could read the rest.
    for await (const piece of request.iterator({ destroyOnReturn: false })) yield piece as Uint8Array;
  } finally {
    if (request.httpVersionMajor < 2) dropRest(request);
  }
}

function dropRest(request: NodeRequest): void {
  if (request.readableEnded || request.destroyed) return;
  let bytes = 0;
  const timer = setTimeout(() => request.destroy(), DISCARD_MS);
  timer.unref();
  request.once('close', () => clearTimeout(timer));
  request.on('data', (chunk: Uint8Array) => {
    bytes += chunk.length;
    if (bytes > DISCARD_BYTES_MAX) request.destroy();
  });
}

/**
 * The whole body of a request, at most `bytesMax` of it. Raises RESOURCE_EXHAUSTED for a longer one,
 * DEADLINE_EXCEEDED for one that does not arrive in time, CANCELED when the caller goes away.
 *
 * It listens to events rather than iterating: leaving an iteration early destroys the connection,
 * and with it the answer that says what was wrong.
 */
export function readBody(request: NodeRequest, bytesMax: number): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    let refused = false;
    let timer = setTimeout(() => {
      refuse(tooSlow());
    }, BODY_READ_MS);
    timer.unref();

    const refuse = (error: ConnectError) => {
      refused = true;
      chunks.length = 0;
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(), DISCARD_MS);
      timer.unref();
      reject(error);
    };

    request.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (refused) {
        if (bytes > bytesMax + DISCARD_BYTES_MAX) request.destroy();
      } else if (bytes > bytesMax) refuse(tooLarge(bytesMax));
      else chunks.push(chunk);
    });
    request.once('end', () => {
      clearTimeout(timer);
      if (!refused) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    });
    request.once('close', () => {
      if (!refused && !request.readableEnded) refuse(wentAway());
      clearTimeout(timer);
    });
    // 'close' follows.
    request.once('error', () => {});

    if (Number(request.headers['content-length']) > bytesMax) refuse(tooLarge(bytesMax));
  });
}
