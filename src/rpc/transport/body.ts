import { BODY_READ_MS, tooLarge, tooSlow, wentAway } from './failures.ts';
import { UNCOUNTED_BYTES } from './inflow.ts';
import type { NodeRequest } from './node.ts';
import { incomingOf, type Taking } from './room.ts';

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
 * connection could take no other request before; over HTTP/2 the stream ends with its answer. Raises CANCELED when the
 * caller goes away.
 */
export async function* readPieces(request: NodeRequest): AsyncGenerator<Uint8Array> {
  try {
    // Node's own iteration would destroy the request, and then nobody could read the rest.
    for await (const piece of request.iterator({ destroyOnReturn: false })) yield piece as Uint8Array;
  } catch (error) {
    throw (error as NodeJS.ErrnoException).code === 'ERR_STREAM_PREMATURE_CLOSE' ? wentAway() : error;
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
 * The whole body of a request, at most `bytesMax` of it. Raises RESOURCE_EXHAUSTED for a longer one, and where there
 * is no room for it beside those of other calls, DEADLINE_EXCEEDED for one that does not arrive in time, CANCELED
 * when the caller goes away.
 *
 * It listens to events rather than iterating: leaving an iteration early destroys the connection,
 * and with it the answer that says what was wrong.
 */
export function readBody(request: NodeRequest, bytesMax: number, call?: Taking): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;
    let refused = false;
    let room = call === undefined ? Number.POSITIVE_INFINITY : UNCOUNTED_BYTES;
    const length = Number(request.headers['content-length'] ?? Number.NaN);
    const begin = () => setTimeout(() => refuse(tooSlow()), BODY_READ_MS).unref();
    let timer = begin();

    const refuse = (error: Error) => {
      refused = true;
      chunks.length = 0;
      call?.incoming?.end();
      request.resume();
      clearTimeout(timer);
      timer = setTimeout(() => request.destroy(), DISCARD_MS);
      timer.unref();
      reject(error);
    };

    const makeRoom = () => {
      const incoming = incomingOf(call, refuse);
      incoming?.arrived(bytes);
      if (bytes <= room) return;
      room = length >= bytes ? length : Math.min(bytesMax, Math.max(SMALL_BYTES, 2 * bytes));
      const waits = incoming?.room(room);
      if (waits === undefined) return;
      // The time that it waits is not its caller's.
      clearTimeout(timer);
      request.pause();
      const goOn = () => {
        timer = begin();
        request.resume();
      };
      waits.then(
        () => refused || goOn(),
        (reason: Error) => refused || refuse(reason),
      );
    };

    request.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (refused) {
        if (bytes > bytesMax + DISCARD_BYTES_MAX) request.destroy();
      } else if (bytes > bytesMax) refuse(tooLarge(bytesMax));
      else {
        chunks.push(chunk);
        if (bytes > UNCOUNTED_BYTES) makeRoom();
      }
    });
    request.once('end', () => {
      clearTimeout(timer);
      call?.incoming?.whole(bytes);
      if (!refused) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    });
    request.once('close', () => {
      if (!refused && !request.readableEnded) refuse(wentAway());
      clearTimeout(timer);
    });
    // 'close' follows.
    request.once('error', () => {});

    if (length > bytesMax) refuse(tooLarge(bytesMax));
  });
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** What is expected of a body that has begun and does not say how long it is; then as much again as has come. */
const SMALL_BYTES = 64 * 1024;
