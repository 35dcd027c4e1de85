import { median } from '../histogram.ts';
import { GREETING_BYTES, type RawCost } from '../raw.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { count, us } from '../table.ts';

const WINDOWS = 2;

export const raw: Scenario = {
  name: 'raw',
  about: 'POSTs by undici alone, which everything else is compared with',
  deadlineMs: 60_000,
  async run(bench) {
    await add(bench, `body of ${GREETING_BYTES} B, as fast as it goes`, { bodyBytes: GREETING_BYTES });
    await add(bench, 'body of 512 B, as fast as it goes', { bodyBytes: 512 });
    // At an easy pace each request has turns of the event loop and system calls of its own.
    for (const perSecond of [1_000, 4_000]) {
      const what = `body of ${GREETING_BYTES} B, ${count(perSecond)}/s evenly`;
      await add(bench, what, { bodyBytes: GREETING_BYTES, perSecond });
    }
  },
};

async function add(
  bench: Bench,
  what: string,
  run: { bodyBytes: number; perSecond?: number },
): Promise<void> {
  const costs: RawCost[] = [];
  for (let i = 0; i < (bench.quick ? 1 : WINDOWS); i++) {
    costs.push(await bench.raw.measure(run));
    await bench.raw.sample();
  }
  const cpuUs = median(costs.map((cost) => cost.cpuUs));
  const perSecond = median(costs.map((cost) => cost.perSecond));
  bench.add({ what, measured: `${us(cpuUs)} CPU a request, ${count(perSecond)}/s`, cpuUs });
}
