import { median } from '../histogram.ts';
import { startProduct } from '../process.ts';
import { measureRounds, type Round, targetOf, warmRounds } from '../rounds.ts';
import type { Scenario } from '../scenario.ts';
import { openSeed, seed } from '../seed.ts';
import { count, ms, us } from '../table.ts';

const ALL = 'fan.all';
const ONE = 'fan.one';
const ROUNDS = 3;
const ANSWER_MAX_MS = 1_000;
const RATIO_MAX = 1.3;

export const fanOut: Scenario = {
  name: 'fan-out',
  about: 'one event to 10,000 webhooks, and as many events to one of them each',
  deadlineMs: 120_000,
  async run(bench) {
    const webhooks = bench.quick ? 2_000 : 10_000;
    const folder = await bench.folder();
    const store = await openSeed(folder);
    await seed(store, webhooks, (i) => ({
      name: `hook-${String(i).padStart(6, '0')}`,
      destination: `${bench.receiver.origin}/hook`,
      eventTypes: [ALL, `${ONE}.${i}`],
    }));
    await store.close();
    const product = await startProduct({ folder, probe: true });
    const single = { way: 'native', how: 'unary', type: ONE, types: webhooks, events: webhooks } as const;
    const fan = { way: 'native', how: 'unary', type: ALL, events: 1 } as const;
    await warmRounds(bench, product, { ...single, how: 'batch' });

    const singles: Round[] = [];
    const batches: Round[] = [];
    const fans: Round[] = [];
    for (let i = 0; i < (bench.quick ? 1 : ROUNDS); i++) {
      await bench.raw.sample();
      singles.push(...(await measureRounds(bench, product, single, 1)));
      batches.push(...(await measureRounds(bench, product, { ...single, how: 'batch' }, 1)));
      fans.push(...(await measureRounds(bench, product, fan, 1)));
    }
    await bench.publisher.leave(targetOf(product));
    await product.stop();

    const deliveries = fans[0]?.deliveries ?? 0;
    if (deliveries !== webhooks) throw new Error(`${deliveries} of ${webhooks} webhooks matched`);
    const answer = median(fans.map(({ answered }) => answered.max));
    bench.add({
      what: `one event to ${count(webhooks)}: answered after`,
      measured: ms(answer),
      goal: { text: `≤ ${count(ANSWER_MAX_MS)} ms`, met: answer <= ANSWER_MAX_MS },
    });
    const each = median(fans.map((round) => round.cpuUs)) / webhooks;
    const perSecond = median(fans.map((round) => round.perSecond));
    bench.add({
      what: 'one of its deliveries',
      measured: `${us(each)} CPU, ${count(perSecond)}/s`,
      cpuUs: each,
    });
    const alone = median(singles.map((round) => round.cpuUs));
    const inBatch = median(batches.map((round) => round.cpuUs));
    bench.add({ what: 'single: an event a call', measured: `${us(alone)} CPU`, cpuUs: alone });
    bench.add({ what: 'single: 100 events a call', measured: `${us(inBatch)} CPU`, cpuUs: inBatch });
    bench.add({
      what: 'fan-out / single',
      measured: `${(each / alone).toFixed(2)}×`,
      goal: { text: `≤ ${RATIO_MAX}×`, met: each / alone <= RATIO_MAX },
    });
    bench.add({
      what: 'fan-out / single of 100 a call',
      measured: `${(each / inBatch).toFixed(2)}×`,
      goal: { text: `≤ ${RATIO_MAX}×`, met: each / inBatch <= RATIO_MAX },
    });
  },
};
