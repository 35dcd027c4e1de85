import { median } from '../histogram.ts';
import { type Product, startProduct } from '../process.ts';
import type { Load } from '../publisher.ts';
import { measureRounds, targetOf } from '../rounds.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { openSeed, seed } from '../seed.ts';
import { count, us } from '../table.ts';

interface Publishing {
  readonly what: string;
  readonly how: Load['how'];
  readonly ratioMax: number;
}

interface WayIn {
  readonly way: Load['way'];
  readonly name: string;
  readonly publishings: readonly Publishing[];
}

const WAYS: readonly WayIn[] = [
  {
    way: 'native',
    name: 'native gRPC',
    publishings: [
      { what: 'an event a call', how: 'unary', ratioMax: 5 },
      { what: '100 events a call', how: 'batch', ratioMax: 3.5 },
      { what: 'a stream', how: 'stream', ratioMax: 3.5 },
    ],
  },
  {
    way: 'connect',
    name: 'Connect, HTTP/2',
    publishings: [{ what: 'an event a call', how: 'unary', ratioMax: 10 }],
  },
  {
    way: 'json',
    name: 'Connect, JSON, HTTP/1.1',
    publishings: [{ what: 'an event a call', how: 'unary', ratioMax: 10 }],
  },
];
const TYPE = 'bench.order';
const ROUND_EVENTS = 8_000;
const ROUNDS = 3;
/** Before those that count: V8 takes some 30,000 calls of a kind until it has compiled them as well as it will. */
const WARM_ROUNDS = 4;
/** As many as the raw loop has. */
const CONCURRENCY = 64;

export const publish: Scenario = {
  name: 'publish',
  about: 'events, each published, sent to one webhook, signed, and settled, all durable',
  deadlineMs: 360_000,
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
    await bench.raw.sample();
    for (const wayIn of WAYS) await measure(bench, product, wayIn);
    await bench.publisher.leave(targetOf(product));
    await product.stop();
  },
};

async function measure(bench: Bench, product: Product, { way, name, publishings }: WayIn): Promise<void> {
  for (const { what, how, ratioMax } of publishings) {
    const { cpuUs, perSecond } = await cost(bench, product, { way, how });
    bench.add({
      what: `${name}, ${what}`,
      measured: `${us(cpuUs)} CPU, ${count(perSecond)}/s`,
      cpuUs,
      goal: { text: `≤ ${ratioMax}×`, ratioMax },
    });
  }
  // What calls alone cost: the smallest that there is, for the health of the server.
  const bare = await cost(bench, product, { way, how: 'bare' });
  bench.add({ what: `${name}, a bare call`, measured: `${us(bare.cpuUs)} CPU`, cpuUs: bare.cpuUs });
}

async function cost(bench: Bench, product: Product, kind: Pick<Load, 'way' | 'how'>) {
  const load = { ...kind, type: TYPE, events: bench.quick ? 1_000 : ROUND_EVENTS };
  await measureRounds(bench, product, load, bench.quick ? 1 : WARM_ROUNDS);
  const rounds = await measureRounds(bench, product, load, bench.quick ? 1 : ROUNDS);
  await bench.raw.sample();
  return {
    cpuUs: median(rounds.map((round) => round.cpuUs)),
    perSecond: median(rounds.map((round) => round.perSecond)),
  };
}
