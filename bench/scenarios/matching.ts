import { type Product, startProduct } from '../process.ts';
import { compare, targetOf, warmRounds } from '../rounds.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { openSeed, seed } from '../seed.ts';
import { count, us } from '../table.ts';

const TYPE = 'matching.order';
/** More than any cache of types remembers: each event asks the store who wants it. */
const TYPES = 1_000_000;
const ROUND_EVENTS = 3_000;
const ROUNDS = 4;
const CONCURRENCY = 64;
const RATIO_MAX = 1.1;

export const matching: Scenario = {
  name: 'matching',
  about: 'events beside 100,000 webhooks that want others, and without them',
  deadlineMs: 120_000,
  async run(bench) {
    const others = bench.quick ? 10_000 : 100_000;
    const servers = [await start(bench, 0), await start(bench, others)] as const;
    const load = { way: 'native', how: 'unary', type: TYPE } as const;
    for (const server of servers) await warmRounds(bench, server, load);
    for (const { what, types } of [
      { what: 'events of one type', types: {} },
      { what: 'each event of a type of its own', types: { types: TYPES } },
    ]) {
      const events = bench.quick ? 1_000 : ROUND_EVENTS;
      let from = 0;
      const next = () => {
        from += events;
        return from;
      };
      const { one, other, ratio } = await compare(
        bench,
        servers,
        () => ({ ...load, ...types, events, from: next() }),
        bench.quick ? 2 : ROUNDS,
      );
      bench.add({ what: `${what}: alone`, measured: `${us(one)} CPU`, cpuUs: one });
      bench.add({
        what: `${what}: beside ${count(others)}`,
        measured: `${us(other)} CPU, ${ratio.toFixed(2)}×`,
        cpuUs: other,
        goal: { text: `≤ ${RATIO_MAX}×`, met: ratio <= RATIO_MAX },
      });
      await bench.raw.sample();
    }
    for (const server of servers) {
      await bench.publisher.leave(targetOf(server));
      await server.stop();
    }
  },
};

/** A server with one webhook that wants what is published, and others that do not. */
async function start(bench: Bench, others: number): Promise<Product> {
  const folder = await bench.folder();
  const store = await openSeed(folder);
  const destination = `${bench.receiver.origin}/hook`;
  await seed(store, 1, () => ({
    name: 'orders',
    destination,
    eventTypes: [TYPE, `${TYPE}.*`],
    concurrency: CONCURRENCY,
  }));
  await seed(store, others, (i) => ({
    name: `other-${String(i).padStart(6, '0')}`,
    destination,
    // Beginnings too, and some that are near what is published.
    eventTypes: i % 2 === 0 ? [`matching.other-${i}`] : [`${TYPE}-${i}.*`],
  }));
  await store.close();
  return startProduct({ folder, probe: true });
}
