import { setTimeout as sleep } from 'node:timers/promises';
import { startProduct } from '../process.ts';
import { targetOf, warmRounds } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';
import { openSeed, seed } from '../seed.ts';
import { count, ms } from '../table.ts';

const TYPE = 'latency.order';
const EVENTS = 400;
const EVERY_MS = 20;
/** Until this is over, what was published last has arrived. */
const ARRIVAL_MS = 500;
const P50_MAX_MS = 5;
const P99_MAX_MS = 20;

export const latency: Scenario = {
  name: 'latency',
  about: 'from publishing an event to its arrival, one after the other, with nothing else to do',
  deadlineMs: 90_000,
  async run(bench) {
    const folder = await bench.folder();
    const store = await openSeed(folder);
    await seed(store, 1, () => ({
      name: 'orders',
      destination: `${bench.receiver.origin}/hook`,
      eventTypes: [TYPE],
    }));
    await store.close();
    const product = await startProduct({ folder, probe: true });
    const events = bench.quick ? 100 : EVENTS;
    for (const [what, way] of [
      ['native gRPC', 'native'],
      ['Connect over HTTP/2', 'connect'],
    ] as const) {
      const load = { target: targetOf(product), way, how: 'unary', type: TYPE } as const;
      await warmRounds(bench, product, load);
      await bench.receiver.take();
      const { answered } = await bench.publisher.load({ ...load, events, everyMs: EVERY_MS });
      await sleep(ARRIVAL_MS);
      const { lateness } = await bench.receiver.take();
      if (lateness.count !== events) throw new Error(`${lateness.count} of ${count(events)} arrived`);
      const { p50, p99 } = lateness;
      bench.add({
        what: `${what}: published to arrived, p50 / p99`,
        measured: `${ms(p50)} / ${ms(p99)}`,
        goal: { text: `≤ ${P50_MAX_MS} / ${P99_MAX_MS} ms`, met: p50 <= P50_MAX_MS && p99 <= P99_MAX_MS },
      });
      bench.add({
        what: `${what}: published to answered, p50 / p99`,
        measured: `${ms(answered.p50)} / ${ms(answered.p99)}`,
      });
    }
    await bench.publisher.leave(targetOf(product));
    await product.stop();
  },
};
