import { randomFillSync } from 'node:crypto';

/** Randomness is a thing you are given. Only this file draws it. */
export interface Random {
  /** A number in [0, 1), for jitter. Not for secrets. */
  unit(): number;
  /** `length` bytes fit for secrets and ids. */
  bytes(length: number): Uint8Array;
}

/** Bytes drawn from the operating system at a time: one call in a few hundred ids. */
const POOL_BYTES = 4096;

/** The machine's own randomness. */
export function systemRandom(): Random {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  return {
    unit: () => Math.random(),
    bytes(length) {
      if (length > POOL_BYTES) return randomFillSync(new Uint8Array(length));
      if (used + length > POOL_BYTES) {
        randomFillSync(pool);
        used = 0;
      }
      // A copy, and the pool's own bytes are cleared: a secret must not stay behind in it.
      const drawn = pool.slice(used, used + length);
      pool.fill(0, used, used + length);
      used += length;
      return drawn;
    },
  };
}
