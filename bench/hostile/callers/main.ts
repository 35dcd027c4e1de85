/**
 * `npm run hostile:callers [-- <attack>…]`: attacks both ports of a server while others call it, and prints a table in
 * Markdown. Ends with exit code 1 if the others were not served.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killAll, startChild } from '../../child.ts';
import { type Product, startProduct } from '../../process.ts';
import { mib, ms } from '../../table.ts';
import { machine, say } from '../command.ts';
import { markdown } from '../markdown.ts';
import { type Cost, measure } from '../measure.ts';
import type { Attack, Kind } from './attack.ts';
import type { Order } from './attacker.ts';
import { ATTACKS } from './attacks/all.ts';
import { CALL_MAX_MS, startBystanders } from './bystanders.ts';

/** Between attacks, so that what one leaves behind is not the next one's. */
const PAUSE_MS = 1_000;
const ALONE_MS = 4_000;
/** Longer than any attack. */
const ASK_MS = 150_000;

const PORTS: Readonly<Record<Kind, string>> = { shared: 'for everything', native: 'native gRPC' };

const names = process.argv.slice(2);
const unknown = names.find((name) => !ATTACKS.some((attack) => attack.name === name));
if (unknown !== undefined) {
  const known = ATTACKS.map(({ name, what }) => `  ${name.padEnd(24)}${what}`).join('\n');
  process.stderr.write(`there is no attack "${unknown}"; there are\n${known}\n`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(130));

const folder = await mkdtemp(join(tmpdir(), 'carillon-hostile-'));
try {
  await stop((await run()) ? 0 : 1);
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  await stop(1);
}

async function stop(code: number): Promise<never> {
  killAll();
  await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  process.exit(code);
}

interface Made {
  readonly attack: Attack;
  readonly kind: Kind;
}

/** Makes every attack. Returns whether all others were served meanwhile. */
async function run(): Promise<boolean> {
  const product = await startProduct({ folder, probe: true });
  const attacker = startChild({ file: new URL('./attacker.ts', import.meta.url) });
  const others = startBystanders({ native: product.grpcAddress, origin: product.origin });
  const chosen = ATTACKS.filter(({ name }) => names.length === 0 || names.includes(name)).flatMap((attack) =>
    attack.kinds.map((kind) => ({ attack, kind })),
  );
  const rows: string[][] = [];
  let served = true;

  /** Makes attacks at the same time, and adds a row for each. */
  async function make(made: readonly Made[]): Promise<void> {
    const order = ({ attack: { name }, kind }: Made): Order => ({ name, kind, port: portOf(product, kind) });
    const { cost, result } = await measure(product, others, () =>
      Promise.all(made.map((each) => attacker.ask<string>('attack', order(each), ASK_MS))),
    );
    served &&= wasServed(cost);
    for (const [i, { attack, kind }] of made.entries()) {
      const costs = i === 0 ? costCells(cost) : ['"', '"', '"'];
      rows.push([attack.what, PORTS[kind], ...costs, `${result[i]}${i === 0 ? complaint(cost) : ''}`]);
    }
    await sleep(PAUSE_MS);
  }

  const alone = await measure(product, others, () => sleep(ALONE_MS));
  rows.push(['nothing: the others alone, for 4 s', '', ...costCells(alone.cost), complaint(alone.cost)]);
  served &&= wasServed(alone.cost);
  for (const each of chosen.filter(({ attack }) => !attack.waits)) {
    say(`${each.attack.name}, ${PORTS[each.kind]}`);
    await make([each]);
  }
  const waiting = chosen.filter(({ attack }) => attack.waits);
  if (waiting.length > 0) {
    say(`${waiting.map(({ attack }) => attack.name).join(', ')}: at the same time`);
    await make(waiting);
  }
  others.stop();
  await attacker.stop(0);
  await product.stop(0);
  process.stdout.write(
    `${machine()}\n\n${markdown(['attack', 'port', 'CPU', 'memory', 'slowest call of others', 'outcome'], rows)}`,
  );
  if (!served) say(`not all calls of others were answered within ${CALL_MAX_MS / 1000} s`);
  return served;
}

function portOf({ origin, grpcAddress }: Product, kind: Kind): number {
  return Number(new URL(kind === 'shared' ? origin : `http://${grpcAddress}`).port);
}

function costCells({ cpuMs, grownBytes, seen }: Cost): string[] {
  return [`${(cpuMs / 1000).toFixed(2)} s`, mib(Math.max(0, grownBytes)), ms(seen.slowestMs)];
}

function wasServed({ seen }: Cost): boolean {
  return seen.failures.length === 0;
}

/** What is to be said about the others, if anything. */
function complaint(cost: Cost): string {
  return wasServed(cost) ? '' : ` **Not served:** ${cost.seen.failures.join('; ')}`;
}
