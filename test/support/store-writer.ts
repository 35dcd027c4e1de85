/**
 * A process to be killed: opens the store at the path it is given, says `open`, and then registers,
 * fires and settles without end, saying what was acknowledged, a line for each, as JSON.
 */
import { openStore } from '../../src/store/open.ts';
import { anAttempt, aRun, aWebhook, T0 } from './store.ts';

/** What was acknowledged about one webhook. */
export interface Acknowledged {
  readonly webhookId: string;
  readonly nominalAt: number;
  readonly deliveryId: string;
  readonly settled: boolean;
}

/** Callers at a time, so that a kill hits groups of calls. */
const CALLERS = 8;

async function main(path: string): Promise<void> {
  const store = await openStore(path, { lingerMs: 1 });
  process.stdout.write('open\n');
  const say = (line: Acknowledged): void => void process.stdout.write(`${JSON.stringify(line)}\n`);

  async function call(offset: number): Promise<never> {
    for (let n = offset; ; n += CALLERS) {
      const webhook = aWebhook();
      await store.createWebhooks([webhook]);
      const run = aRun(webhook);
      await store.fireRuns([run]);
      const deliveryId = run.runs[0]!.delivery.id;
      const acknowledged = { webhookId: webhook.id, nominalAt: run.to.nominalAt ?? 0, deliveryId };
      say({ ...acknowledged, settled: false });
      if (n % 2 === 0) continue;
      const [lane] = await store.topUp([{ webhookId: webhook.id, limit: 1, ordered: true }]);
      const delivery = lane!.deliveries[0]!;
      await store.settle([{ delivery, attempt: anAttempt(1), transition: { to: 'SUCCEEDED' }, now: T0 }], []);
      say({ ...acknowledged, settled: true });
    }
  }

  await Promise.all(Array.from({ length: CALLERS }, (_, offset) => call(offset)));
}

const [, , path] = process.argv;
if (path !== undefined && import.meta.main) await main(path);
