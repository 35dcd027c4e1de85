import { newKey } from '../../src/domain/access/key.ts';
import { systemRandom } from '../../src/domain/random.ts';
import { median } from '../histogram.ts';
import { type Product, startProduct } from '../process.ts';
import type { Load } from '../publisher.ts';
import { compare, measureRounds, targetOf, warmRounds } from '../rounds.ts';
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
  deadlineMs: 540_000,
  async run(bench) {
    const product = await start(bench);
    await bench.raw.sample();
    for (const wayIn of WAYS) await measure(bench, product, wayIn);
    await end(bench, product);
    await measureKeys(bench);
  },
};

/** A server with one webhook; with a key, it asks for that. */
async function start(bench: Bench, key?: string): Promise<Product> {
  const folder = await bench.folder();
  const store = await openSeed(folder);
  await seed(store, 1, () => ({
    name: 'orders',
    destination: `${bench.receiver.origin}/hook`,
    eventTypes: [TYPE],
    concurrency: CONCURRENCY,
  }));
  await store.close();
  return startProduct({ folder, probe: true, ...(key !== undefined && { key }) });
}

async function end(bench: Bench, product: Product): Promise<void> {
  await bench.publisher.leave(targetOf(product));
  await product.stop();
}

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

/** What it costs to be asked for a key: a server that asks for one beside one that does not. */
async function measureKeys(bench: Bench): Promise<void> {
  const load = { way: 'native', how: 'unary', type: TYPE } as const;
  const pairs: { readonly one: number; readonly other: number; readonly ratio: number }[] = [];
  for (let i = 0; i < (bench.quick ? 1 : KEY_PAIRS); i++) {
    const servers = [await start(bench), await start(bench, newKey(systemRandom()))] as const;
    for (const server of servers) await warmRounds(bench, server, load);
    const round = { ...load, events: bench.quick ? 1_000 : KEY_ROUND_EVENTS };
    pairs.push(await compare(bench, servers, () => round, bench.quick ? 2 : KEY_ROUNDS));
    for (const server of servers) await end(bench, server);
  }
  await bench.raw.sample();
  const ratio = median(pairs.map((pair) => pair.ratio));
  const without = median(pairs.map((pair) => pair.one));
  const withKey = median(pairs.map((pair) => pair.other));
  bench.add({ what: 'an event a call, no keys', measured: `${us(without)} CPU`, cpuUs: without });
  bench.add({
    what: 'an event a call, with a key',
    measured: `${us(withKey)} CPU, ${ratio.toFixed(2)}×`,
    cpuUs: withKey,
    goal: { text: `≤ ${KEY_RATIO_MAX}×`, met: ratio <= KEY_RATIO_MAX },
  });
}

/** V8 compiles the same program a little better in one process than in another, so there are several pairs of them. */
const KEY_PAIRS = 3;
const KEY_ROUNDS = 10;
const KEY_ROUND_EVENTS = 2_000;
const KEY_RATIO_MAX = 1.03;
