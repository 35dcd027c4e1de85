import { systemClock } from '../../src/domain/clock.ts';
import { median } from '../histogram.ts';
import { startProduct } from '../process.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { openSeed, type Planned, seed } from '../seed.ts';
import { count, ms } from '../table.ts';
import { lateness, measureWindows, sleepUntil, type Window } from '../windows.ts';

const DESTINATIONS = 100;
const PERIOD_MS = 500;
/** Longer than a round: what hangs goes on hanging. */
const HANGING_TIMEOUT_MS = 60_000;
const LEAD_MS = 2_000;
/** Until each hanging destination has all the requests in flight that it may have, and longer. */
const WARM_UP_MS = 6_000;
const RATIO_MAX = 1.5;

export const hanging: Scenario = {
  name: 'hanging',
  about: `${DESTINATIONS} destinations that never answer beside ${DESTINATIONS} good ones, each an origin of its own`,
  deadlineMs: 90_000,
  async run(bench) {
    const good = await bench.receiver.listen(DESTINATIONS);
    const bad = await bench.receiver.listen(DESTINATIONS);
    const alone: Window[] = [];
    const beside: Window[] = [];
    // Interleaved, and turned around, so that whatever else the machine does meets both.
    for (const hangs of bench.quick ? [false, true] : [false, true, true, false]) {
      const windows = await measure(bench, good, hangs ? bad : []);
      (hangs ? beside : alone).push(...windows);
    }
    report(bench, alone, beside);
  },
};

async function measure(bench: Bench, good: readonly string[], bad: readonly string[]): Promise<Window[]> {
  const folder = await bench.folder();
  const store = await openSeed(folder);
  const firstAt = systemClock.now() + LEAD_MS;
  await seed(store, good.length, (i) => plan(`good-${i}`, `${good[i]}/hook`, firstAt, i));
  await seed(store, bad.length, (i) => plan(`bad-${i}`, `${bad[i]}/hang`, firstAt, i));
  await store.close();
  const product = await startProduct({ folder, probe: true });
  await sleepUntil(firstAt + WARM_UP_MS);
  const windows = await measureWindows(product, bench.receiver, {
    count: bench.quick ? 1 : 2,
    lengthMs: 3_000,
  });
  // What hangs would be waited for.
  await product.stop(0);
  return windows;
}

function plan(name: string, destination: string, firstAt: number, i: number): Planned {
  const phase = Math.floor((i * PERIOD_MS) / DESTINATIONS);
  return { name, destination, periodMs: PERIOD_MS, firstAt: firstAt + phase, timeoutMs: HANGING_TIMEOUT_MS };
}

function report(bench: Bench, alone: readonly Window[], beside: readonly Window[]): void {
  const a = lateness(alone);
  const b = lateness(beside);
  const ratio = b.p99 / a.p99;
  const perSecond = median(beside.map((window) => window.perSecond));
  bench.add({ what: 'good ones alone: late, p50 / p99', measured: `${ms(a.p50)} / ${ms(a.p99)}` });
  bench.add({ what: 'good ones beside: late, p50 / p99', measured: `${ms(b.p50)} / ${ms(b.p99)}` });
  bench.add({
    what: 'good ones beside: delivered',
    measured: `${count(perSecond)}/s of ${count((DESTINATIONS * 1_000) / PERIOD_MS)}/s`,
  });
  bench.add({
    what: 'p99 beside / p99 alone',
    measured: `${ratio.toFixed(2)}×`,
    goal: { text: `≤ ${RATIO_MAX}×`, met: ratio <= RATIO_MAX },
  });
}
