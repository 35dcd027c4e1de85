import { startChild } from './child.ts';
import { median } from './histogram.ts';
import type { RawResult, RawRun } from './raw-loop.ts';

/** The raw loop in its process, and what it has cost so far. */
export interface Raw {
  /** Runs a window like the greeting: the body that scheduled runs send unless told otherwise. */
  sample(): Promise<void>;
  /** Runs a window and returns CPU-µs of a request. */
  measure(run: Omit<RawRun, 'origin' | 'ms'>): Promise<RawCost>;
  /** The median of the samples, in CPU-µs of a request; NaN when there are none. */
  readonly us: number;
  stop(): Promise<void>;
}

export interface RawCost {
  readonly cpuUs: number;
  readonly perSecond: number;
}

/** `Hello hook-000001, current time is 2026-01-01T00:00:00.000Z`. */
export const GREETING_BYTES = 59;
const WARM_UP_MS = 1_000;

export async function startRaw(origin: string, windowMs: number): Promise<Raw> {
  const child = startChild({ file: new URL('./raw-loop.ts', import.meta.url) });
  const samples: number[] = [];
  let warm = false;

  async function measure(run: Omit<RawRun, 'origin' | 'ms'>): Promise<RawCost> {
    if (!warm) await child.ask('run', { origin, bodyBytes: GREETING_BYTES, ms: WARM_UP_MS } satisfies RawRun);
    warm = true;
    const result = await child.ask<RawResult>('run', { ...run, origin, ms: windowMs } satisfies RawRun);
    return { cpuUs: result.cpuUs / result.requests, perSecond: (result.requests / result.ms) * 1000 };
  }

  return {
    measure,
    async sample() {
      samples.push((await measure({ bodyBytes: GREETING_BYTES })).cpuUs);
    },
    get us() {
      return median(samples);
    },
    stop: () => child.stop(),
  };
}
