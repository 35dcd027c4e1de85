import { systemClock } from '../../src/domain/clock.ts';
import { type Product, startProduct } from '../process.ts';
import { compare, targetOf, warmRounds } from '../rounds.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { openSeed, seed } from '../seed.ts';
import { copyFirst, seedFirst } from '../seed-history.ts';
import { count, ms, us } from '../table.ts';

const TYPE = 'history.order';
const WEBHOOKS = 100;
const DAY_MS = 86_400_000;
/** Younger than anything is deleted. */
const PAST_MS = 10 * DAY_MS;
const ROUND_EVENTS = 3_000;
const ROUNDS = 4;
const PAGES = 200;
const RATIO_MAX = 1.1;
const PAGE_MAX_MS = 20;

export const history: Scenario = {
  name: 'history',
  about: 'deliveries beside a million that are finished, ten million with --full, and lists of them',
  deadlineMs: 900_000,
  async run(bench) {
    const thousands = bench.full ? 10_000 : bench.quick ? 100 : 1_000;
    const finished = count(thousands * 1_000);
    bench.say(`makes ${finished} finished deliveries`);
    const begun = systemClock.monotonic();
    const empty = await start(bench, 0);
    const full = await start(bench, thousands);
    bench.say(`made them in ${count((systemClock.monotonic() - begun) / 1_000)} s`);
    const servers = [empty.product, full.product] as const;
    const load = { way: 'native', how: 'unary', type: TYPE } as const;
    for (const server of servers) await warmRounds(bench, server, load);
    const { one, other, ratio } = await compare(
      bench,
      servers,
      () => ({ ...load, events: bench.quick ? 1_000 : ROUND_EVENTS }),
      bench.quick ? 2 : ROUNDS,
    );
    await bench.raw.sample();
    bench.add({ what: 'a delivery, empty store', measured: `${us(one)} CPU`, cpuUs: one });
    bench.add({
      what: `a delivery, ${finished} finished`,
      measured: `${us(other)} CPU, ${ratio.toFixed(2)}×`,
      cpuUs: other,
      goal: { text: `≤ ${RATIO_MAX}×`, met: ratio <= RATIO_MAX },
    });
    await list(bench, full);
    for (const server of servers) {
      await bench.publisher.leave(targetOf(server));
      await server.stop();
    }
  },
};

interface Started {
  readonly product: Product;
  readonly webhookId: string;
  /** In the middle of the past. */
  readonly middle: number;
}

async function start(bench: Bench, thousands: number): Promise<Started> {
  const folder = await bench.folder();
  const store = await openSeed(folder);
  // One of them wants what is published now; all of them got what is past.
  const webhookIds = await seed(store, WEBHOOKS, (i) => ({
    name: `hook-${String(i).padStart(6, '0')}`,
    destination: `${bench.receiver.origin}/hook`,
    eventTypes: [i === 0 ? TYPE : `${TYPE}-${i}`],
    concurrency: 64,
  }));
  const until = systemClock.now() - 60_000;
  const past = { webhookIds, thousands, types: ['past.paid', 'past.sent'], since: until - PAST_MS, until };
  if (thousands > 0) await seedFirst(store, past);
  await store.close();
  if (thousands > 0) await copyFirst(folder, past);
  const product = await startProduct({ folder, probe: true });
  return { product, webhookId: webhookIds[1]!, middle: until - PAST_MS / 2 };
}

async function list(bench: Bench, { product, webhookId, middle }: Started): Promise<void> {
  const pages = bench.quick ? 20 : PAGES;
  const kinds = [
    { what: 'of all', about: {} },
    {
      what: 'from the middle on',
      about: { filter: `create_time < "${new Date(middle).toISOString()}"` },
    },
    { what: 'of a webhook', about: { webhookId } },
    { what: 'of a type', about: { filter: 'event_type = "past.paid"' } },
    { what: 'of what failed', about: { filter: 'state = FAILED' } },
  ];
  for (const { what, about } of kinds) {
    const asked = { target: targetOf(product), way: 'native', ...about } as const;
    // Once for the code to be compiled.
    await bench.publisher.list({ ...asked, pages: 10 });
    const { p50, p99 } = await bench.publisher.list({ ...asked, pages });
    bench.add({
      what: `a page ${what}, p50 / p99`,
      measured: `${ms(p50)} / ${ms(p99)}`,
      goal: { text: `p99 ≤ ${PAGE_MAX_MS} ms`, met: p99 <= PAGE_MAX_MS },
    });
  }
}
