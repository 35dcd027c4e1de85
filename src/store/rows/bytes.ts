/** What a call weighs: about how many rows it touches, and its bytes of payload. */
export interface CallSize {
  readonly rows: number;
  readonly bytes: number;
  /** The buffer that holds them, if they are worth moving instead of copying. */
  readonly buffer?: ArrayBuffer;
}

/** From here on, moving a buffer to the other thread is cheaper than copying it. */
const MOVE_BYTES = 64 * 1024;

export const NO_BYTES = new Uint8Array();

/** Copies of bytes that may cross to the worker, taken in the order in which they were given. */
export interface Packed {
  readonly take: () => Uint8Array;
  /** The size of a call with these bytes and so many rows. */
  readonly size: (rows: number) => CallSize;
}

/**
 * Copies bodies into one buffer of their own, so that they can cross to the worker: a structured clone
 * of a view takes along the whole buffer behind it, which may be a pool that secrets went through.
 */
export function pack(bodies: readonly Uint8Array[]): Packed {
  let bytes = 0;
  for (const body of bodies) bytes += body.byteLength;
  const all = new Uint8Array(bytes);
  let used = 0;
  const copies = bodies.map((body) => {
    const copy = all.subarray(used, used + body.byteLength);
    copy.set(body);
    used += body.byteLength;
    return copy;
  });
  let taken = 0;
  const buffer = bytes >= MOVE_BYTES ? { buffer: all.buffer } : {};
  return { take: () => copies[taken++]!, size: (rows) => ({ rows, bytes, ...buffer }) };
}

export function toBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

export function fromBase64(text: string): Uint8Array {
  // A copy: Buffer's own memory is shared with other buffers.
  return new Uint8Array(Buffer.from(text, 'base64'));
}
