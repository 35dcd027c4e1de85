/** A scheduler on a store and a clock that a test moves. Nothing is sent. */
import { systemRandom } from '../../src/domain/random.ts';
import type { Schedule } from '../../src/domain/schedule/schedule.ts';
import type { Webhook } from '../../src/domain/webhook/webhook.ts';
import { createScheduler, type Scheduler } from '../../src/schedule/scheduler.ts';
import { createDirectory } from '../../src/store/directory.ts';
import type { Store } from '../../src/store/store.ts';
import { type ManualClock, manualClock } from './clock.ts';
import { firstCursor } from './cursors.ts';
import { type LogLine, recordingLog } from './log.ts';
import { holdsAll } from './shards.ts';
import { aWebhook, openMemoryStore, T0 } from './store.ts';

export interface World extends AsyncDisposable {
  readonly store: Store;
  readonly clock: ManualClock;
  readonly lines: LogLine[];
  scheduler: Scheduler;
  /** Registers at the present. */
  register(schedule: Partial<Schedule>, rest?: Partial<Webhook['spec']>): Promise<Webhook>;
  /** A process that begins with what is in the store, with these time zone rules. */
  restart(zoneRules?: string): void;
  /** Lets time pass in steps, the scheduler ticking after each. */
  pass(ms: number, stepMs?: number): Promise<void>;
  /** Ticks until there is nothing to do. */
  settle(): Promise<void>;
  /** Nominal times of the runs that fired, oldest first, since T0. */
  fired(webhook: Webhook): Promise<number[]>;
  stored(webhook: Webhook): Promise<Webhook>;
}

export async function openWorld(): Promise<World> {
  const store = await openMemoryStore();
  const clock = manualClock(T0);
  const random = systemRandom();
  const { log, lines } = recordingLog();
  function begin(zoneRules = clock.zoneRules) {
    const directory = createDirectory({ store });
    const scheduler = createScheduler({
      ...{ store, directory, random, log },
      holds: holdsAll,
      clock: { ...clock, zoneRules },
    });
    directory.onChange((changed) => scheduler.changed(changed));
    return { directory, scheduler };
  }
  let running = begin();

  const world: World = {
    store,
    clock,
    lines,
    scheduler: running.scheduler,
    async register(schedule, rest) {
      const webhook = aWebhook();
      const spec = {
        ...webhook.spec,
        ...rest,
        name: webhook.spec.name,
        schedule: { ...webhook.effective.schedule!, ...schedule },
      };
      const { effective } = aWebhook({ spec });
      const cursor = firstCursor(webhook.id, effective.schedule, clock.now());
      const registered = { ...webhook, spec, effective, cursor };
      await store.createWebhooks([registered]);
      await running.directory.refresh();
      return registered;
    },
    restart(zoneRules) {
      running = begin(zoneRules);
      world.scheduler = running.scheduler;
    },
    async pass(ms, stepMs = 100) {
      for (let passed = 0; passed < ms; passed += stepMs) {
        clock.advance(stepMs);
        await world.settle();
      }
    },
    async settle() {
      await running.directory.refresh();
      while ((await world.scheduler.tick()) > 0 || world.scheduler.idleMs() === 0);
    },
    async fired(webhook) {
      const query = { namespace: webhook.namespace, webhookId: webhook.id, limit: 5_000 };
      const deliveries = await store.listDeliveries(query);
      return deliveries.map(({ nominalAt }) => nominalAt! - T0).toSorted((a, b) => a - b);
    },
    async stored(webhook) {
      const [found] = await store.getWebhooks([webhook.id]);
      return found!;
    },
    [Symbol.asyncDispose]: () => store.close(),
  };
  return world;
}

export function every(periodMs: number): Pick<Schedule, 'when'> {
  return { when: { kind: 'every', periodMs } };
}
