import { setTimeout as sleep } from 'node:timers/promises';
import { median } from '../histogram.ts';
import { type Form, isBuilt, startProduct } from '../process.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { mib, ms } from '../table.ts';

const STARTS = 5;
const START_MAX_MS = 500;
const RESIDENT_MAX_BYTES = 120 * 1024 * 1024;
/** At rest: nothing has been asked of it, and nothing has rung, for so long. */
const REST_MS = 3_000;

export const start: Scenario = {
  name: 'start',
  about: 'from the start of the process to its first accepted call, and what it takes at rest',
  deadlineMs: 60_000,
  async run(bench) {
    for (const form of ['dist', '.ts'] as const) await measure(bench, form);
  },
};

async function measure(bench: Bench, form: Form): Promise<void> {
  const what = form === 'dist' ? 'dist' : 'source';
  if (form === 'dist' && !isBuilt()) {
    bench.add({ what: `${what}: start to first registration`, measured: 'not built: npm run build' });
    return;
  }
  const startsMs: number[] = [];
  const resident: number[] = [];
  const starts = bench.quick ? 1 : STARTS;
  for (let i = 0; i < starts; i++) {
    const product = await startProduct({
      folder: await bench.folder(),
      form,
      probe: false,
      firstCall: call(bench),
    });
    startsMs.push(product.startMs);
    if (i === starts - 1) {
      await sleep(REST_MS);
      const bytes = await product.residentBytes();
      if (bytes !== undefined) resident.push(bytes);
    }
    await product.stop();
  }
  const startMs = median(startsMs);
  const residentBytes = median(resident);
  bench.add({
    what: `${what}: start to first registration`,
    measured: ms(startMs),
    goal: { text: `≤ ${START_MAX_MS} ms`, met: startMs <= START_MAX_MS },
  });
  bench.add({
    what: `${what}: resident at rest`,
    measured: resident.length === 0 ? 'needs /proc' : mib(residentBytes),
    goal: { text: `≤ ${mib(RESIDENT_MAX_BYTES)}`, met: residentBytes <= RESIDENT_MAX_BYTES },
  });
}

/** A registration that does not ring while it is watched. */
function call(bench: Bench) {
  const webhook = {
    name: 'first',
    destination: `${bench.receiver.origin}/hook`,
    schedule: { every: '3600s' },
  };
  return { path: '/carillon.v1.WebhookService/Register', message: { webhook } };
}
