import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/domain/clock.ts';
import type { Product } from './process.ts';
import type { Seen } from './receiver.ts';
import type { Receiver } from './scenario.ts';

/** What happened in a span of time: at the receiver, and to the server's processors. */
export interface Window {
  readonly ms: number;
  readonly seen: Seen;
  /** CPU time of the server for each POST that was answered. */
  readonly cpuUs: number;
  readonly perSecond: number;
}

export async function measureWindow(product: Product, receiver: Receiver, lengthMs: number): Promise<Window> {
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

export async function sleepUntil(at: number): Promise<void> {
  await sleep(Math.max(0, at - systemClock.now()));
}
