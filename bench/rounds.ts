import { setTimeout as sleep } from 'node:timers/promises';
import { systemClock } from '../src/domain/clock.ts';
import type { Target } from './callers.ts';
import { median } from './histogram.ts';
import type { Product } from './process.ts';
import type { Load, Loaded } from './publisher.ts';
import type { Bench } from './scenario.ts';

/** So many events, from the first call until what became of the last is on disk. */
export interface Round extends Loaded {
  /** CPU time of the server for each event. */
  readonly cpuUs: number;
  /** Deliveries a second, from the first call to the last arrival. */
  readonly perSecond: number;
}

/** Until this is over, what arrived last is settled. */
const SETTLE_MS = 250;
const POLL_MS = 50;
/** The longest from the last answer to the last arrival. */
const ARRIVAL_MAX_MS = 20_000;

export function targetOf({ grpcAddress, origin, key }: Product): Target {
  return { native: grpcAddress, origin, ...(key !== undefined && { key }) };
}

/**
 * Publishes, and waits until every delivery has arrived and is settled. How long that takes does not
 * matter, since an idle server costs nothing: its CPU time is what is measured.
 */
async function measureRound(
  { publisher, receiver }: Pick<Bench, 'publisher' | 'receiver'>,
  product: Product,
  load: Omit<Load, 'target'>,
): Promise<Round> {
  await receiver.take();
  const cpuBefore = await product.cpuUs();
  const begun = systemClock.monotonic();
  const loaded = await publisher.load({ ...load, target: targetOf(product) });
  let arrived = 0;
  const answeredAt = systemClock.monotonic();
  for (;;) {
    arrived += (await receiver.take()).answered;
    if (arrived >= loaded.deliveries) break;
    if (systemClock.monotonic() - answeredAt > ARRIVAL_MAX_MS) {
      throw new Error(`of ${loaded.deliveries} deliveries ${arrived} arrived`);
    }
    await sleep(POLL_MS);
  }
  const perSecond = (arrived / (systemClock.monotonic() - begun)) * 1_000;
  await sleep(SETTLE_MS);
  const cpuUs = ((await product.cpuUs()) - cpuBefore) / load.events;
  return { ...loaded, cpuUs, perSecond };
}

/** The same, several times over. */
export async function measureRounds(
  bench: Pick<Bench, 'publisher' | 'receiver'>,
  product: Product,
  load: Omit<Load, 'target'>,
  rounds: number,
): Promise<Round[]> {
  const measured: Round[] = [];
  for (let i = 0; i < rounds; i++) measured.push(await measureRound(bench, product, load));
  return measured;
}

/**
 * Publishes for two servers, one right after the other, turned around each time, so that whatever else
 * the machine does meets both. `load` says what, each time. Returns what an event costs on each, in
 * CPU-µs, the median of its rounds, and the median of what the other costs for each that the one does.
 */
export async function compare(
  bench: Pick<Bench, 'publisher' | 'receiver'>,
  [one, other]: readonly [Product, Product],
  load: () => Omit<Load, 'target'>,
  rounds: number,
): Promise<{ readonly one: number; readonly other: number; readonly ratio: number }> {
  const pairs: { readonly one: number; readonly other: number }[] = [];
  const cost = async (product: Product, asked: Omit<Load, 'target'>) =>
    (await measureRound(bench, product, asked)).cpuUs;
  for (let i = 0; i < rounds; i++) {
    const asked = load();
    if (i % 2 === 0) pairs.push({ one: await cost(one, asked), other: await cost(other, asked) });
    else pairs.push({ other: await cost(other, asked), one: await cost(one, asked) });
  }
  return {
    one: median(pairs.map((pair) => pair.one)),
    other: median(pairs.map((pair) => pair.other)),
    ratio: median(pairs.map((pair) => pair.other / pair.one)),
  };
}

/** V8 has compiled what is hot after so many events. */
export async function warmRounds(
  bench: Pick<Bench, 'publisher' | 'receiver' | 'quick'>,
  product: Product,
  load: Omit<Load, 'target' | 'events'>,
): Promise<void> {
  const events = bench.quick ? 2_000 : WARM_EVENTS;
  await measureRounds(bench, product, { ...load, events }, bench.quick ? 1 : WARM_ROUNDS);
}

const WARM_EVENTS = 5_000;
const WARM_ROUNDS = 3;
