import { systemClock } from '../../src/domain/clock.ts';
import { median } from '../histogram.ts';
import { startProduct } from '../process.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { openSeed, seed } from '../seed.ts';
import { count, ms, us } from '../table.ts';
import { lateness, measureWindows, nextHalf, sleepUntil, type Window, warmUp } from '../windows.ts';

interface Load {
  readonly webhooks: number;
  /** Due evenly over each second, or all at the same moment of it. */
  readonly due: 'spread' | 'aligned';
}

const LOADS: readonly Load[] = [
  { webhooks: 1_000, due: 'spread' },
  { webhooks: 1_000, due: 'aligned' },
  { webhooks: 4_000, due: 'spread' },
  { webhooks: 4_000, due: 'aligned' },
];
const PERIOD_MS = 1_000;
/** From seeding to the first run: time to start the server in. */
const LEAD_MS = 2_000;
const RATIO_MAX = 3;
/** Less than this share of what is due means falling behind. */
const KEEPS_UP = 0.99;

export const schedules: Scenario = {
  name: 'schedules',
  about: 'scheduled runs, each webhook every second, to one receiver, all durable',
  deadlineMs: 120_000,
  async run(bench) {
    for (const load of bench.quick ? LOADS.slice(0, 2) : LOADS) {
      await bench.raw.sample();
      await measure(bench, load);
    }
    await bench.raw.sample();
  },
};

async function measure(bench: Bench, { webhooks, due }: Load): Promise<void> {
  const folder = await bench.folder();
  const store = await openSeed(folder);
  const firstAt = systemClock.now() + LEAD_MS;
  await seed(store, webhooks, (i) => ({
    name: `hook-${String(i).padStart(6, '0')}`,
    destination: `${bench.receiver.origin}/hook`,
    periodMs: PERIOD_MS,
    firstAt: firstAt + (due === 'spread' ? Math.floor((i * PERIOD_MS) / webhooks) : 0),
  }));
  const warmAt = await warmUp(store, bench, firstAt);
  await store.close();

  const product = await startProduct({ folder, probe: true });
  await sleepUntil(warmAt);
  // Half a period off the aligned moment, so that no burst is cut in two by a window's end.
  await sleepUntil(nextHalf(firstAt, PERIOD_MS));
  const windows = await measureWindows(product, bench.receiver, {
    count: bench.quick ? 1 : 3,
    lengthMs: bench.quick ? 2_000 : 3_000,
  });
  await product.stop();

  const cpuUs = median(windows.map((window) => window.cpuUs));
  const goal = webhooks === 1_000 ? { goal: { text: `≤ ${RATIO_MAX}×`, ratioMax: RATIO_MAX } } : {};
  const what = `${count(webhooks)} a second, ${due}`;
  bench.add({ what: `${what}: a delivery`, measured: `${us(cpuUs)} CPU`, cpuUs, ...goal });
  bench.add({ what: `${what}: delivered`, ...rate(windows, webhooks) });
  const { p50, p99 } = lateness(windows);
  bench.add({ what: `${what}: late, p50 / p99`, measured: `${ms(p50)} / ${ms(p99)}` });
}

function rate(windows: readonly Window[], webhooks: number) {
  const perSecond = median(windows.map((window) => window.perSecond));
  const wanted = (webhooks * 1_000) / PERIOD_MS;
  const goal = { text: 'keeps up', met: perSecond >= wanted * KEEPS_UP };
  return { measured: `${count(perSecond)}/s of ${count(wanted)}/s`, goal };
}
