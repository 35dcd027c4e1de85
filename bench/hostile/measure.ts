import { systemClock } from '../../src/domain/clock.ts';
import type { Product } from '../process.ts';
import type { Bystanders, Seen } from './callers/bystanders.ts';

/** What something has cost the server, and others who called it meanwhile. */
export interface Cost {
  /** CPU time of all its threads. */
  readonly cpuMs: number;
  /** How much resident memory had grown when it was most. */
  readonly grownBytes: number;
  readonly lastedMs: number;
  readonly seen: Seen;
}

const SAMPLE_MS = 50;

export async function measure<T>(
  product: Pick<Product, 'cpuUs' | 'memory' | 'residentBytes'>,
  others: Bystanders | undefined,
  work: () => Promise<T>,
): Promise<{ cost: Cost; result: T }> {
  await others?.take();
  const { residentBytes: before } = await product.memory();
  const cpuBefore = await product.cpuUs();
  const begun = systemClock.monotonic();
  let most = before;
  const timer = setInterval(() => {
    void product.residentBytes().then((bytes) => {
      most = Math.max(most, bytes ?? 0);
    });
  }, SAMPLE_MS);
  try {
    const result = await work();
    const lastedMs = systemClock.monotonic() - begun;
    const seen = (await others?.take()) ?? { calls: 0, slowestMs: 0, failures: [] };
    const cpuMs = ((await product.cpuUs()) - cpuBefore) / 1000;
    return { cost: { cpuMs, grownBytes: most - before, lastedMs, seen }, result };
  } finally {
    clearInterval(timer);
  }
}
