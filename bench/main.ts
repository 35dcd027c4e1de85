/** `npm run bench [-- <scenario>… --quick --full]`: measures, and prints one table. `README.md` says how to read it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import { killAll, startChild } from './child.ts';
import { killProducts } from './process.ts';
import { startRaw } from './raw.ts';
import type { Seen } from './receiver.ts';
import type { Bench, Publisher, Receiver, Scenario } from './scenario.ts';
import { fanOut } from './scenarios/fan-out.ts';
import { hanging } from './scenarios/hanging.ts';
import { history } from './scenarios/history.ts';
import { latency } from './scenarios/latency.ts';
import { matching } from './scenarios/matching.ts';
import { million } from './scenarios/million.ts';
import { onPostgres } from './scenarios/postgres.ts';
import { publish } from './scenarios/publish.ts';
import { raw } from './scenarios/raw.ts';
import { schedules } from './scenarios/schedules.ts';
import { start } from './scenarios/start.ts';
import { mib, type Row, table, us } from './table.ts';

const SCENARIOS: readonly Scenario[] = [
  raw,
  schedules,
  million,
  start,
  hanging,
  publish,
  fanOut,
  matching,
  history,
  latency,
  ...onPostgres,
];
const RAW_WINDOW_MS = 1_500;
const RAW_QUICK_MS = 500;

const args = process.argv.slice(2);
const quick = args.includes('--quick');
const full = args.includes('--full');
const names = args.filter((arg) => arg !== '--quick' && arg !== '--full');
const unknown = names.find((name) => !SCENARIOS.some((scenario) => scenario.name === name));
if (unknown !== undefined) {
  const known = SCENARIOS.map(({ name, about }) => `  ${name.padEnd(10)}${about}`).join('\n');
  process.stderr.write(`there is no scenario "${unknown}"; there are\n${known}\nand --quick, --full\n`);
  process.exit(2);
}
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void stop(130));

const root = await mkdtemp(join(tmpdir(), 'carillon-bench-'));
let folders = 0;
let failed = false;

/** Everything that was started ends and everything that was written goes, also when it is cut short. */
async function stop(code: number): Promise<never> {
  killAll();
  await rm(root, { recursive: true, force: true, maxRetries: 3 });
  process.exit(code);
}

try {
  await run(SCENARIOS.filter(({ name }) => names.length === 0 || names.includes(name)));
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.stack : String(error)}\n`);
  await stop(1);
}
await stop(failed ? 1 : 0);

async function run(scenarios: readonly Scenario[]): Promise<void> {
  const busy = loadavg()[0] ?? 0;
  const receiver = await startReceiver();
  const publisher = startPublisher();
  const baseline = await startRaw(receiver.origin, quick ? RAW_QUICK_MS : RAW_WINDOW_MS);
  const rows: Row[] = [];
  for (const scenario of scenarios) {
    const { name, about } = scenario;
    say(`${name}: ${about}`);
    const bench: Bench = {
      quick,
      full,
      receiver,
      publisher,
      raw: baseline,
      folder: () => mkdtemp(join(root, `${++folders}-`)),
      add: (row: Omit<Row, 'scenario'>) => void rows.push({ scenario: name, ...row }),
      say: (text: string) => say(`${name}: ${text}`),
    };
    const trouble = await ending(scenario, scenario.run(bench));
    if (trouble === undefined) continue;
    failed = true;
    killProducts();
    bench.add({ what: name, measured: trouble });
  }
  await Promise.all([receiver.stop(), publisher.stop(), baseline.stop()]);
  const machine = `${cpus().length} cores (${cpus()[0]?.model.trim()}), ${mib(totalmem())}, ${process.platform}, load ${busy.toFixed(1)} before`;
  process.stdout.write(
    `\nNode ${process.version}, ${machine}${quick ? ', quick: not to be compared' : ''}\n`,
  );
  if (!Number.isNaN(baseline.us)) process.stdout.write(`raw: ${us(baseline.us)} CPU a request\n`);
  process.stdout.write(`\n${table(rows, baseline.us)}`);
}

/** Resolves when a scenario has ended, or should have: with what went wrong, if anything did. */
async function ending({ deadlineMs }: Scenario, running: Promise<void>): Promise<string | undefined> {
  const late = Promise.withResolvers<string>();
  const timer = setTimeout(() => late.resolve(`not done after ${deadlineMs / 1_000} s`), deadlineMs);
  const outcome = running.then(
    () => undefined,
    (error: unknown) => `failed: ${error instanceof Error ? error.message : String(error)}`,
  );
  try {
    return await Promise.race([outcome, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

async function startReceiver(): Promise<Receiver & { stop(): Promise<void> }> {
  const child = startChild({ file: new URL('./receiver.ts', import.meta.url) });
  const listen = async (ports: number): Promise<string[]> => {
    const opened = await child.ask<number[]>('listen', { ports });
    return opened.map((port) => `http://127.0.0.1:${port}`);
  };
  const [origin = ''] = await listen(1);
  return { origin, listen, take: () => child.ask<Seen>('take'), stop: () => child.stop() };
}

function startPublisher(): Publisher & { stop(): Promise<void> } {
  const child = startChild({ file: new URL('./publisher.ts', import.meta.url) });
  return {
    load: (load) => child.ask('load', load),
    list: (listing) => child.ask('list', listing),
    leave: (target) => child.ask('leave', target),
    stop: () => child.stop(),
  };
}

function say(text: string): void {
  process.stderr.write(`${text}\n`);
}
