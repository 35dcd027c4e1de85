import type { CallSize } from './client.ts';

/** From here on, moving a buffer to the other thread is cheaper than copying it. */
const MOVE_BYTES = 64 * 1024;

/**
 * Copies bodies into one buffer of their own, so that they can cross to the worker: a structured clone
 * of a view takes along the whole buffer behind it, which may be a pool that secrets went through.
 */
export function pack(bodies: readonly Uint8Array[]): {
  readonly copies: readonly Uint8Array[];
  /** The size of a call with these bodies and so many rows. */
  readonly size: (rows: number) => CallSize;
} {
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
  const buffer = bytes >= MOVE_BYTES ? { buffer: all.buffer } : {};
  return { copies, size: (rows) => ({ rows, bytes, ...buffer }) };
}
