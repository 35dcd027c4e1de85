import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/domain/clock.ts';
import type { Store } from '../src/store/store.ts';
import { median } from './histogram.ts';
import type { Product } from './process.ts';
import type { Seen } from './receiver.ts';
import type { Bench, Receiver } from './scenario.ts';
import { seed } from './seed.ts';

/** What happened in a span of time: at the receiver, and to the server's processors. */
export interface Window {
  readonly ms: number;
  readonly seen: Seen;
  /** CPU time of the server for each POST that was answered. */
  readonly cpuUs: number;
  readonly perSecond: number;
}

async function measureWindow(product: Product, receiver: Receiver, lengthMs: number): Promise<Window> {
  await receiver.take();
  const begun = systemClock.monotonic();
  const cpuBefore = await product.cpuUs();
  await sleep(lengthMs);
  const [seen, cpuAfter] = await Promise.all([receiver.take(), product.cpuUs()]);
  const ms = systemClock.monotonic() - begun;
  return {
    ms,
    seen,
    cpuUs: (cpuAfter - cpuBefore) / seen.answered,
    perSecond: (seen.answered / ms) * 1000,
  };
}

/** Windows of one length, one after the other. */
export async function measureWindows(
  product: Product,
  receiver: Receiver,
  { count, lengthMs }: { readonly count: number; readonly lengthMs: number },
): Promise<Window[]> {
  const windows: Window[] = [];
  for (let i = 0; i < count; i++) windows.push(await measureWindow(product, receiver, lengthMs));
  return windows;
}

/** The middle of what several windows saw, in milliseconds. */
export function lateness(windows: readonly Window[]): { p50: number; p99: number } {
  return {
    p50: median(windows.map(({ seen }) => seen.lateness.p50)),
    p99: median(windows.map(({ seen }) => seen.lateness.p99)),
  };
}

/**
 * Webhooks that ring three thousand times a second for a while and then no more, so that V8 has compiled
 * what is hot before it is measured: at a thousand a second that alone takes a minute, and until then a
 * sixth of the CPU time is the compiler's. Returns when they are through.
 */
export async function warmUp(
  store: Pick<Store, 'createWebhooks'>,
  bench: Pick<Bench, 'receiver' | 'quick'>,
  firstAt: number,
): Promise<number> {
  const maxRuns = bench.quick ? 1 : WARM_RUNS;
  await seed(store, WARM_WEBHOOKS, (i) => ({
    name: `warm-${String(i).padStart(6, '0')}`,
    destination: `${bench.receiver.origin}/hook`,
    periodMs: WARM_PERIOD_MS,
    firstAt: firstAt + Math.floor((i * WARM_PERIOD_MS) / WARM_WEBHOOKS),
    maxRuns,
  }));
  return firstAt + maxRuns * WARM_PERIOD_MS + WARM_REST_MS;
}

export const WARM_WEBHOOKS = 3_000;
const WARM_PERIOD_MS = 1_000;
const WARM_RUNS = 6;
const WARM_REST_MS = 1_500;

/** The next moment that is half a period away from each multiple of it after `from`. */
export function nextHalf(from: number, periodMs: number): number {
  const now = systemClock.now();
  return now + periodMs - ((now - from + periodMs / 2) % periodMs);
}

export async function sleepUntil(at: number): Promise<void> {
  await sleep(Math.max(0, at - systemClock.now()));
}
