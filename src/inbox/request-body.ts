import type { InboxBounds } from './bounds.ts';
import type { InboxRequest } from './http.ts';

/** Memory for the bodies that are being read or checked, shared by all requests. */
export interface ReadingBudget {
  /** A share that grows as a body arrives, and is given back as a whole. */
  open(): { grow(bytes: number): boolean; giveBack(): void };
}

export function createReadingBudget(bytesMax: number): ReadingBudget {
  let taken = 0;
  return {
    open() {
      let share = 0;
      return {
        grow(bytes) {
          if (taken + bytes > bytesMax) return false;
          taken += bytes;
          share += bytes;
          return true;
        },
        giveBack() {
          taken -= share;
          share = 0;
        },
      };
    },
  };
}

/** How reading a body ended. Where it is not `whole`, `body` is what came of it, up to the bound. */
export interface BodyRead {
  readonly end: 'whole' | 'too-large' | 'too-slow' | 'hung-up' | 'no-room';
  readonly body: Uint8Array;
  /** How much was read, kept or not. */
  readonly bytes: number;
  /** Whether the sender may still be sending. */
  readonly more: boolean;
}

/** Reads a body within the bounds; it never rejects. */
export function readBody(
  req: InboxRequest,
  share: ReturnType<ReadingBudget['open']>,
  bounds: Pick<InboxBounds, 'bodyBytesMax' | 'discardBytesMax' | 'bodyMs'>,
): Promise<BodyRead> {
  return new Promise((resolve) => {
    const chunks: Uint8Array[] = [];
    let bytes = 0;

    const finish = (end: BodyRead['end']): void => {
      clearTimeout(timer);
      req.off('data', onData).off('end', onEnd).off('close', onClose);
      const more = !req.readableEnded && end !== 'hung-up';
      // Nobody listens any more, and a paused socket would keep the sender waiting.
      if (more) req.resume();
      resolve({ end, body: Buffer.concat(chunks), bytes, more });
    };
    const tooLarge = () => bytes > bounds.bodyBytesMax;
    const onData = (chunk: Uint8Array): void => {
      const wanted = chunk.subarray(0, Math.max(0, bounds.bodyBytesMax - bytes));
      bytes += chunk.length;
      if (!share.grow(wanted.length)) finish('no-room');
      else if (bytes > bounds.discardBytesMax) finish('too-large');
      else if (wanted.length > 0) chunks.push(wanted);
    };
    const onEnd = () => finish(tooLarge() ? 'too-large' : 'whole');
    const onClose = () => finish('hung-up');
    const timer = setTimeout(() => finish(tooLarge() ? 'too-large' : 'too-slow'), bounds.bodyMs);
    timer.unref();

    // It stays: a socket that is reset after we stopped listening is no news and no crash.
    req.on('error', () => {});
    req.on('data', onData).on('end', onEnd).on('close', onClose);
  });
}
