import type { Random } from '../../src/domain/random.ts';

/** Randomness that a seed decides. */
export interface Chance extends Random {
  /** Whether something with this probability happens. */
  hits(probability: number): boolean;
  between(low: number, high: number): number;
  whole(low: number, high: number): number;
  pick<T>(of: readonly T[]): T;
}

/** Source of the generator: Tommy Ettinger's mulberry32, public domain. */
export function createChance(seed: number): Chance {
  let state = Math.imul(seed + 1, 0x9e3779b1) >>> 0;
  function unit(): number {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  const between = (low: number, high: number): number => low + (high - low) * unit();
  return {
    unit,
    bytes: (length) => Uint8Array.from({ length }, () => Math.floor(unit() * 256)),
    hits: (probability) => unit() < probability,
    between,
    whole: (low, high) => Math.floor(between(low, high + 1)),
    pick: (of) => of[Math.floor(unit() * of.length)]!,
  };
}
