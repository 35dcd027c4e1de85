import { median } from '../histogram.ts';
import { type Product, startProduct } from '../process.ts';
import type { Load } from '../publisher.ts';
import { measureRounds, targetOf, warmRounds } from '../rounds.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { openSeed, seed } from '../seed.ts';
import { count, us } from '../table.ts';

type Kind = Pick<Load, 'way' | 'how'>;

interface Measured extends Kind {
  readonly what: string;
  readonly ratioMax?: number;
}

const PUBLISHES: readonly Measured[] = [
  { what: 'native gRPC, an event a call', way: 'native', how: 'unary', ratioMax: 5 },
  { what: 'native gRPC, 100 events a call', way: 'native', how: 'batch', ratioMax: 3.5 },
  { what: 'native gRPC, a stream', way: 'native', how: 'stream', ratioMax: 3.5 },
  { what: 'Connect over HTTP/2, an event a call', way: 'connect', how: 'unary', ratioMax: 10 },
  { what: 'Connect, JSON, HTTP/1.1, an event a call', way: 'json', how: 'unary', ratioMax: 10 },
];
/** What the calls alone cost: the smallest there is, the health of the server. */
const BARE: readonly Measured[] = [
  { what: 'native gRPC, a bare call', way: 'native', how: 'bare' },
  { what: 'Connect over HTTP/2, a bare call', way: 'connect', how: 'bare' },
  { what: 'Connect, JSON, HTTP/1.1, a bare call', way: 'json', how: 'bare' },
];
const TYPE = 'bench.order';
const ROUND_EVENTS = 4_000;
const ROUNDS = 3;
/** As many as the raw loop has. */
const CONCURRENCY = 64;

export const publish: Scenario = {
  name: 'publish',
  about: 'events, each published, sent to one webhook, signed, and settled, all durable',
  deadlineMs: 180_000,
  async run(bench) {
    const folder = await bench.folder();
    const store = await openSeed(folder);
    await seed(store, 1, () => ({
      name: 'orders',
      destination: `${bench.receiver.origin}/hook`,
      eventTypes: [TYPE],
      concurrency: CONCURRENCY,
    }));
    await store.close();
    const product = await startProduct({ folder, probe: true });
    await warmRounds(bench, product, { way: 'native', how: 'unary', type: TYPE });
    await bench.raw.sample();
    for (const measured of PUBLISHES) await measure(bench, product, measured);
    for (const measured of BARE) await measure(bench, product, measured);
    await bench.publisher.leave(targetOf(product));
    await product.stop();
  },
};

async function measure(
  bench: Bench,
  product: Product,
  { what, way, how, ratioMax }: Measured,
): Promise<void> {
  const load = { way, how, type: TYPE, events: bench.quick ? 1_000 : ROUND_EVENTS };
  // The first is for this way in to be compiled.
  const [, ...rounds] = await measureRounds(bench, product, load, 1 + (bench.quick ? 1 : ROUNDS));
  await bench.raw.sample();
  const cpuUs = median(rounds.map((round) => round.cpuUs));
  const goal = ratioMax === undefined ? {} : { goal: { text: `≤ ${ratioMax}×`, ratioMax } };
  const perSecond = median(rounds.map((round) => round.perSecond));
  const rate = how === 'bare' ? '' : `, ${count(perSecond)}/s`;
  bench.add({ what, measured: `${us(cpuUs)} CPU${rate}`, cpuUs, ...goal });
}
