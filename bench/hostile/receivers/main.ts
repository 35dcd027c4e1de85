/**
 * `npm run hostile:receivers [-- <behaviour>…]`: has a server deliver to receivers that misbehave, while another receives
 * as it should, and prints a table in Markdown. Ends with exit code 1 if a request is in flight for longer than it may
 * be, or the good receiver gets its events late or not at all.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { killAll, startChild } from '../../child.ts';
import { startProduct } from '../../process.ts';
import { mib, ms } from '../../table.ts';
import { machine, say } from '../command.ts';
import { markdown } from '../markdown.ts';
import { measure } from '../measure.ts';
import { type Api, openApi } from './api.ts';
import { BEHAVIOURS } from './behaviours.ts';
import { makeCertificates } from './certificates.ts';
import type { Opening, Received } from './host.ts';

/** How long a request to a receiver may take. */
const TIMEOUT_MS = 2_000;
/** How much longer it may be in flight on a busy machine. */
const LATE_MS = 1_000;
/** Events that each hostile receiver gets, all at once: more would wait until its breaker lets them go. */
const EVENTS = 8;
const GOOD_EVERY_MS = 50;
const GOOD_LATE_MAX_MS = 5_000;
/** How long the attempts are waited for. */
const SETTLED_MAX_MS = 15_000;

const names = process.argv.slice(2);
const unknown = names.find((name) => !BEHAVIOURS.some((each) => each.name === name));
if (unknown !== undefined) {
  const known = BEHAVIOURS.map(({ name, what }) => `  ${name.padEnd(20)}${what}`).join('\n');
  process.stderr.write(`there is no behaviour "${unknown}"; there are\n${known}\n`);
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

/** Returns whether nobody was harmed. */
async function run(): Promise<boolean> {
  const certificates = await makeCertificates(folder);
  const product = await startProduct({
    folder,
    probe: true,
    env: { NODE_EXTRA_CA_CERTS: certificates.authority },
  });
  const host = startChild({ file: new URL('./host.ts', import.meta.url) });
  const api: Api = openApi({ native: product.grpcAddress, origin: product.origin });
  await api.register('good', `http://127.0.0.1:${await host.ask<number>('openGood')}/`, TIMEOUT_MS);
  let published: Promise<unknown> = Promise.resolve();
  const timer = setInterval(() => {
    published = Promise.all([published, api.publishNow('good')]);
  }, GOOD_EVERY_MS);
  const rows: string[][] = [];
  let harmless = true;

  for (const behaviour of BEHAVIOURS.filter(({ name }) => names.length === 0 || names.includes(name))) {
    const { name, what, certificate, pretendsTls, eventBytes = 100 } = behaviour;
    say(name);
    const port = await host.ask<number>('open', { name, certificates } satisfies Opening);
    const scheme = certificate !== undefined || pretendsTls ? 'https' : 'http';
    await api.register(name, `${scheme}://127.0.0.1:${port}/`, TIMEOUT_MS);
    await host.ask<Received>('takeGood');
    const { cost, result: attempts } = await measure(product, undefined, async () => {
      await api.publish(name, EVENTS, eventBytes);
      return api.attemptsOf(name, EVENTS, SETTLED_MAX_MS);
    });
    await sleep(GOOD_EVERY_MS);
    const good = await host.ask<Received>('takeGood');
    const longestMs = Math.max(...attempts.map(({ durationMs }) => durationMs));
    const isGood = good.count > 0 && good.slowestMs <= GOOD_LATE_MAX_MS;
    const isFree = attempts.length === EVENTS && longestMs <= TIMEOUT_MS + LATE_MS;
    harmless &&= isGood && isFree;
    const complaint = isGood && isFree ? '' : ' **Harmed others**';
    rows.push([
      what,
      ms(longestMs),
      mib(Math.max(0, cost.grownBytes)),
      ms(good.slowestMs),
      `${attempts[0]?.words ?? 'no attempt'}${complaint}`,
    ]);
  }
  clearInterval(timer);
  await published;
  api.close();
  await host.stop(0);
  await product.stop(0);
  const heads = [
    'receiver',
    'slot free after',
    'memory',
    'slowest delivery to others',
    'words on the attempt',
  ];
  process.stdout.write(`${machine()}\n\n${markdown(heads, rows)}`);
  if (!harmless) say('a receiver was waited for too long, or held up another');
  return harmless;
}
