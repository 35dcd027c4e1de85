import { Code, ConnectError } from '@connectrpc/connect';
import type { NodeRequest } from './node.ts';

/** How long a body may take to arrive. */
const BODY_READ_MS = 30_000;

/** Bytes of a body beyond its limit that are read and dropped, so that the caller gets to read the answer. */
const DISCARD_BYTES_MAX = 32 * 1024 * 1024;

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

    const timer = setTimeout(() => {
      refuse(Code.DeadlineExceeded, `the request body did not arrive within ${BODY_READ_MS / 1000} s`);
    }, BODY_READ_MS);
    timer.unref();

    const refuse = (code: Code, message: string) => {
      refused = true;
      clearTimeout(timer);
      chunks.length = 0;
      reject(new ConnectError(message, code));
    };

    request.on('data', (chunk: Uint8Array) => {
      bytes += chunk.length;
      if (refused) {
        if (bytes > bytesMax + DISCARD_BYTES_MAX) request.destroy();
        return;
      }
      if (bytes > bytesMax)
        refuse(Code.ResourceExhausted, `the request is larger than the ${bytesMax} bytes allowed`);
      else chunks.push(chunk);
    });
    request.once('end', () => {
      clearTimeout(timer);
      if (!refused) resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, bytes));
    });
    request.once('error', () => refused || refuse(Code.Canceled, 'the caller went away'));
    request.once(
      'close',
      () => refused || request.readableEnded || refuse(Code.Canceled, 'the caller went away'),
    );
  });
}
