import { systemClock } from '../../src/domain/clock.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import type { Store } from '../../src/store/store.ts';
import { median } from '../histogram.ts';
import { startProduct } from '../process.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { openSeed, seed } from '../seed.ts';
import { count, mib, ms, us } from '../table.ts';
import { lateness, measureWindows, sleepUntil, WARM_WEBHOOKS, warmUp } from '../windows.ts';

const HOUR_MS = 3_600_000;
/** Nothing but what is measured rings while it is measured. */
const QUIET_MS = 600_000;
/** From the start of the server, when its heap is measured: it has to be up by then. */
const HEAP_AT_MS = 4_000;
/** When warming up begins, and when the first of the runs that are measured is due. */
const WARM_AT_MS = 5_500;
const LEAD_MS = 13_000;
/** From the first run, when measuring begins. */
const SETTLED_MS = 2_000;
const MOVE_BATCH = 500;

const HEAP_MAX_BYTES = 150;
const LATE_MAX_MS = 20;
const START_MAX_MS = 5_000;

export const million: Scenario = {
  name: 'million',
  about: 'a store with a million webhooks, each ringing hourly, and 1,000 runs a second of them',
  deadlineMs: 180_000,
  async run(bench) {
    const total = bench.quick ? 100_000 : 1_000_000;
    const rate = bench.quick ? 500 : 1_000;
    // All of them due before the end of the half minute that the scheduler reads ahead.
    const spanMs = bench.quick ? 9_000 : 15_000;
    const folder = await bench.folder();
    const emptyHeap = await heapOfEmpty(bench);
    await bench.raw.sample();

    bench.say(`registers ${count(total)} webhooks`);
    const store = await openSeed(folder);
    const quietUntil = systemClock.now() + QUIET_MS;
    const ids = await seed(store, total, (i) => ({
      name: `hook-${String(i).padStart(7, '0')}`,
      destination: `${bench.receiver.origin}/hook`,
      periodMs: HOUR_MS,
      firstAt: quietUntil + Math.floor((scatter(i, total) * HOUR_MS) / total),
    }));
    const begun = systemClock.now();
    const runs = (rate * spanMs) / 1_000;
    const startAt = begun + MOVE_MS;
    const firstAt = startAt + LEAD_MS;
    await bringForward(store, ids, runs, (i) => firstAt + Math.floor((i * 1_000) / rate));
    await warmUp(store, bench, startAt + WARM_AT_MS);
    const near = runs + WARM_WEBHOOKS;
    await store.close();
    await sleepUntil(startAt);

    const product = await startProduct({ folder, probe: true });
    await sleepUntil(startAt + HEAP_AT_MS);
    const memory = await product.memory();
    await sleepUntil(firstAt + SETTLED_MS);
    const windows = await measureWindows(product, bench.receiver, {
      count: 3,
      lengthMs: (spanMs - SETTLED_MS) / 3 - 200,
    });
    const after = await product.memory();
    await product.stop();
    await bench.raw.sample();

    const heapEach = (memory.heapBytes - emptyHeap) / near;
    const { p50, p99 } = lateness(windows);
    const cpuUs = median(windows.map((window) => window.cpuUs));
    const perSecond = median(windows.map((window) => window.perSecond));
    bench.add({
      what: `start to serving with ${count(total)} webhooks`,
      measured: ms(product.startMs),
      goal: { text: `≤ ${count(START_MAX_MS)} ms`, met: product.startMs <= START_MAX_MS },
    });
    bench.add({
      what: `heap for each of the ${count(near)} that are near`,
      measured: `${heapEach.toFixed(0)} B`,
      goal: { text: `≤ ${HEAP_MAX_BYTES} B`, met: heapEach <= HEAP_MAX_BYTES },
    });
    bench.add({
      what: 'resident before the runs / after them',
      measured: `${mib(memory.residentBytes)} / ${mib(after.residentBytes)}`,
    });
    bench.add({
      what: `${count(rate)} runs a second: late, p50 / p99`,
      measured: `${ms(p50)} / ${ms(p99)}`,
      goal: { text: `≤ ${LATE_MAX_MS} ms`, met: p99 <= LATE_MAX_MS },
    });
    bench.add({ what: 'delivered', measured: `${count(perSecond)}/s of ${count(rate)}/s` });
    bench.add({ what: 'cost of a delivery', measured: `${us(cpuUs)} CPU`, cpuUs });
  },
};

/** How long bringing runs forward, and registering what warms up, may take. */
const MOVE_MS = 7_000;

async function heapOfEmpty(bench: Bench): Promise<number> {
  const product = await startProduct({ folder: await bench.folder(), probe: true });
  await sleepUntil(systemClock.now() + 2_000);
  const { heapBytes } = await product.memory();
  await product.stop();
  return heapBytes;
}

/** A number below `total`, another for each `i`: what rings together was not registered together. */
function scatter(i: number, total: number): number {
  // Prime, so that it has no factor in common with a round number.
  return (i * 700_001) % total;
}

/** Gives some of the webhooks, all over the table, a next run at the time that is wanted of it. */
async function bringForward(
  store: Store,
  ids: readonly string[],
  runs: number,
  dueAt: (i: number) => number,
): Promise<void> {
  for (let from = 0; from < runs; from += MOVE_BATCH) {
    const places = Array.from({ length: Math.min(MOVE_BATCH, runs - from) }, (_, i) => from + i);
    const found = await store.getWebhooks(places.map((i) => ids[scatter(i, ids.length)]!));
    const updates = found.map((webhook, i) => moved(webhook!, dueAt(from + i)));
    const results = await store.updateWebhooks(updates);
    if (results.some((result) => result !== 'UPDATED')) throw new Error('a run could not be brought forward');
  }
}

function moved(webhook: Webhook, at: number) {
  const cursor = { ...webhook.cursor, anchorAt: at - HOUR_MS, nominalAt: at, dueAt: at };
  return { webhook: { ...webhook, cursor }, ifVersion: webhook.version, cursorFrom: webhook.cursor };
}
