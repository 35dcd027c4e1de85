import { systemClock } from '../../src/domain/clock.ts';
import { openStore } from '../../src/store/open.ts';
import { median } from '../histogram.ts';
import { type Server, startServer, withServer } from '../postgres.ts';
import { type Product, startProduct } from '../process.ts';
import type { Load } from '../publisher.ts';
import { compare, measureRounds, targetOf, warmRounds } from '../rounds.ts';
import type { Bench, Scenario } from '../scenario.ts';
import { openSeed, seed } from '../seed.ts';
import { seedFirst } from '../seed-history.ts';
import { copyFirstIn } from '../seed-history-postgres.ts';
import { count, ms, us } from '../table.ts';

const TYPE = 'postgres.order';
const HANGING_TYPE = 'postgres.hanging';
const CONCURRENCY = 64;
const WEBHOOKS = 100;
const ROUNDS = 4;
const ROUND_EVENTS = 8_000;
const DAY_MS = 86_400_000;
const PAST_MS = 10 * DAY_MS;
const PAGES = 200;
const PAGE_MAX_MS = 20;

const BATCHES = { way: 'native', how: 'batch', type: TYPE } as const;

/** What is so large that it takes long: as usual, to see that it works, and with `--full` what the goals are for. */
interface Sizes {
  readonly idleMs: number;
  readonly waiting: number;
  readonly thousands: number;
}
const USUAL: Sizes = { idleMs: 60_000, waiting: 100_000, thousands: 300 };
const QUICK: Sizes = { idleMs: 5_000, waiting: 10_000, thousands: 20 };
const FULL: Sizes = { idleMs: 60_000, waiting: 1_000_000, thousands: 10_000 };

/** What is measured on PostgreSQL, each with a server of its own. */
export const onPostgres: readonly Scenario[] = [
  scenario(
    'pg-cost',
    'events in batches on PostgreSQL, its own CPU time included, beside SQLite',
    besideSqlite,
  ),
  scenario('pg-idle', 'PostgreSQL beside a transaction that is idle for a minute', besideIdle),
  scenario(
    'pg-waiting',
    'PostgreSQL beside 100,000 that wait for one that hangs; a million with --full',
    besideHanging,
  ),
  scenario('pg-history', 'PostgreSQL beside 300,000 that are finished, ten million with --full', withHistory),
];

function scenario(
  name: string,
  about: string,
  measure: (bench: Bench, server: Server, sizes: Sizes) => Promise<void>,
): Scenario {
  return {
    name,
    about,
    deadlineMs: 3_600_000,
    async run(bench) {
      const server = await startServer();
      try {
        await measure(bench, server, bench.full ? FULL : bench.quick ? QUICK : USUAL);
      } finally {
        await server.stop();
      }
    },
  };
}

async function besideSqlite(bench: Bench, server: Server): Promise<void> {
  const servers = [await onSqlite(bench), withServer(await startOn(bench, server), server)] as const;
  for (const each of servers) await warmRounds(bench, each, BATCHES);
  const { one, other, ratio } = await compare(
    bench,
    servers,
    () => roundOf(bench),
    bench.quick ? 2 : 2 * ROUNDS,
  );
  await bench.raw.sample();
  bench.add({ what: '100 events a call, SQLite', measured: `${us(one)} CPU`, cpuUs: one });
  bench.add({
    what: '100 events a call, PostgreSQL with its server',
    measured: `${us(other)} CPU, ${ratio.toFixed(2)}×`,
    cpuUs: other,
    goal: { text: '≤ 2×', met: ratio <= 2 },
  });
  for (const each of servers) await end(bench, each);
}

/** Dead rows stay for whoever has an old transaction open. */
async function besideIdle(bench: Bench, server: Server, { idleMs }: Sizes): Promise<void> {
  const product = await startOn(bench, server);
  await warmRounds(bench, product, BATCHES);
  const before = await throughput(bench, product);
  const idle = await server.idle();
  const begun = systemClock.monotonic();
  while (systemClock.monotonic() - begun < idleMs) await measureRounds(bench, product, roundOf(bench), 1);
  const beside = await throughput(bench, product);
  await idle.close();
  const after = await throughput(bench, product);
  report(bench, 'beside an idle transaction', beside, median([before, after]), 0.85);
  await end(bench, product);
}

/** One destination takes nothing, and everything waits for it. */
async function besideHanging(bench: Bench, server: Server, { waiting }: Sizes): Promise<void> {
  const product = await startOn(bench, server);
  await warmRounds(bench, product, BATCHES);
  const alone = await throughput(bench, product);
  await bench.publisher.load({ ...BATCHES, type: HANGING_TYPE, events: waiting, target: targetOf(product) });
  const beside = await throughput(bench, product);
  report(bench, `beside ${count(waiting)} waiting for one that hangs`, beside, alone, 0.95);
  await end(bench, product, 0);
}

async function withHistory(bench: Bench, server: Server, { thousands }: Sizes): Promise<void> {
  const finished = count(thousands * 1_000);
  bench.say(`makes ${finished} finished deliveries`);
  const [emptyUrl, fullUrl] = [server.schemaUrl(), server.schemaUrl()];
  const empty = withServer(await start(bench, emptyUrl), server);
  const until = systemClock.now() - 60_000;
  const since = until - PAST_MS;
  const webhookIds = await seeded(bench, fullUrl);
  const past = { webhookIds, thousands, types: ['past.paid', 'past.sent'], since, until };
  const store = await openStore(fullUrl);
  for (let at = since; at < until + DAY_MS; at += DAY_MS) await store.tidy({ now: at, finishedBefore: 0 });
  await seedFirst(store, past);
  await store.close();
  await copyFirstIn((...statements) => server.run(fullUrl, ...statements), past);
  const full = withServer(
    await startProduct({ folder: await bench.folder(), store: fullUrl, probe: true }),
    server,
  );
  const servers = [empty, full] as const;
  for (const each of servers) await warmRounds(bench, each, BATCHES);
  const { one, other, ratio } = await compare(bench, servers, () => roundOf(bench), bench.quick ? 2 : ROUNDS);
  await bench.raw.sample();
  bench.add({ what: 'a delivery, empty schema', measured: `${us(one)} CPU`, cpuUs: one });
  bench.add({
    what: `a delivery, ${finished} finished`,
    measured: `${us(other)} CPU, ${ratio.toFixed(2)}×`,
    cpuUs: other,
    goal: { text: '≤ 1.1×', met: ratio <= 1.1 },
  });
  await list(bench, full, webhookIds[1]!);
  for (const each of servers) await end(bench, each);
}

async function list(bench: Bench, product: Product, webhookId: string): Promise<void> {
  const kinds = [
    { what: 'of all', about: {} },
    { what: 'of a webhook', about: { webhookId } },
    { what: 'of what failed', about: { filter: 'state = FAILED' } },
  ];
  for (const { what, about } of kinds) {
    const asked = { target: targetOf(product), way: 'native', ...about } as const;
    // Once for the code to be compiled.
    await bench.publisher.list({ ...asked, pages: 10 });
    const { p50, p99 } = await bench.publisher.list({ ...asked, pages: bench.quick ? 20 : PAGES });
    bench.add({
      what: `a page ${what}, p50 / p99`,
      measured: `${ms(p50)} / ${ms(p99)}`,
      goal: { text: `p99 ≤ ${PAGE_MAX_MS} ms`, met: p99 <= PAGE_MAX_MS },
    });
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function roundOf(bench: Bench): Omit<Load, 'target'> {
  return { ...BATCHES, events: bench.quick ? 1_000 : ROUND_EVENTS };
}

/** Deliveries a second. */
async function throughput(bench: Bench, product: Product): Promise<number> {
  const rounds = await measureRounds(bench, product, roundOf(bench), bench.quick ? 2 : ROUNDS);
  return median(rounds.map(({ perSecond }) => perSecond));
}

function report(bench: Bench, what: string, beside: number, alone: number, min: number): void {
  const ratio = beside / alone;
  bench.add({
    what,
    measured: `${count(beside)}/s, alone ${count(alone)}/s, ${ratio.toFixed(2)}×`,
    goal: { text: `≥ ${min}×`, met: ratio >= min },
  });
}

/** Webhooks of which the first gets what is published, and the last hangs. Returns their ids. */
async function seeded(bench: Bench, url: string): Promise<string[]> {
  const store = await openStore(url);
  const ids = await seed(store, WEBHOOKS, (i) => ({
    name: `hook-${String(i).padStart(6, '0')}`,
    destination: `${bench.receiver.origin}/${i === WEBHOOKS - 1 ? 'hang' : 'hook'}`,
    eventTypes: [i === 0 ? TYPE : i === WEBHOOKS - 1 ? HANGING_TYPE : `${TYPE}-${i}`],
    concurrency: CONCURRENCY,
  }));
  await store.close();
  return ids;
}

async function startOn(bench: Bench, server: Server): Promise<Product> {
  return start(bench, server.schemaUrl());
}

async function start(bench: Bench, url: string): Promise<Product> {
  await seeded(bench, url);
  return startProduct({ folder: await bench.folder(), store: url, probe: true });
}

async function onSqlite(bench: Bench): Promise<Product> {
  const folder = await bench.folder();
  const store = await openSeed(folder);
  await seed(store, 1, () => ({
    name: 'orders',
    destination: `${bench.receiver.origin}/hook`,
    eventTypes: [TYPE],
    concurrency: CONCURRENCY,
  }));
  await store.close();
  return startProduct({ folder, probe: true });
}

async function end(bench: Bench, product: Product, graceMs?: number): Promise<void> {
  await bench.publisher.leave(targetOf(product));
  await product.stop(graceMs);
}
