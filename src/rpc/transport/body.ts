import { Code, ConnectError } from '@connectrpc/connect';
import type { NodeRequest } from './node.ts';

/** How long a body may take to arrive. */
export const BODY_READ_MS = 30_000;

/** What is read and dropped of a body that was refused, so that its caller gets to read why. */
const DISCARD_BYTES_MAX = 32 * 1024 * 1024;
export const DISCARD_MS = 5_000;

/** How long a caller may take to end its side of a stream that was answered. */
export const ANSWERED_LINGER_MS = 100;

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

/** The request is larger than the bytes allowed, its envelope among them; or something else that is said is. */
export function tooLarge(bytesMax: number, what = 'the request'): ConnectError {
  return new ConnectError(`${what} is larger than the ${bytesMax} bytes allowed`, Code.ResourceExhausted);
}

/** A message is larger than the bytes allowed, but only once it is decompressed. */
export function tooLargeInside(bytesMax: number): ConnectError {
  const message = `the message is larger than the ${bytesMax} bytes allowed, once it is decompressed`;
  return new ConnectError(message, Code.ResourceExhausted);
}

/** The request, or something else that is said, did not arrive within `BODY_READ_MS`. */
export function tooSlow(what = 'the request body'): ConnectError {
  return new ConnectError(`${what} did not arrive within ${BODY_READ_MS / 1000} s`, Code.DeadlineExceeded);
}

/** The caller cancelled, or its connection broke. */
export function wentAway(): ConnectError {
  return new ConnectError('the caller went away', Code.Canceled);
}

/** The caller's deadline has passed. In Connect's words, which says it first for some calls. */
export function tooLate(): ConnectError {
  return new ConnectError('the operation timed out', Code.DeadlineExceeded);
}
