/** A server as it runs, as far as it sends: the real loops, on a machine of the world. */
import { createCluster } from '../../src/cluster/cluster.ts';
import { createIncarnations } from '../../src/dispatch/incarnations.ts';
import type { Clock } from '../../src/domain/clock.ts';
import { NO_CREDENTIALS } from '../../src/domain/webhook/credentials.ts';
import { createScheduler } from '../../src/schedule/scheduler.ts';
import { startLoop } from '../../src/server/loop.ts';
import { createDirectory } from '../../src/store/directory.ts';
import type { Log } from '../../src/telemetry/log.ts';
import type { Chance } from './chance.ts';
import { type LinkedStore, UNREACHABLE } from './link.ts';
import type { Receivers } from './receivers.ts';
import type { Machine, World } from './world.ts';

export interface NodeDeps {
  readonly world: World;
  readonly machine: Machine;
  readonly store: LinkedStore;
  readonly receivers: Receivers;
  readonly chance: Chance;
  readonly T0: number;
  readonly violated: (what: string) => void;
}

export interface SimNode {
  readonly machine: Machine;
  /** Its name in the store; undefined while it has none. */
  name(): string | undefined;
  /** Stops as a server does. */
  leave(): Promise<void>;
}

export function startNode({ world, machine, store, receivers, chance, T0, violated }: NodeDeps): SimNode {
  const clock: Clock = {
    now: () => Math.round(T0 + world.now() + machine.aheadMs),
    monotonic: () => world.now() - machine.stoodStillMs,
    zoneRules: 'sim',
  };
  const log = judgingLog((what) => violated(`${machine.name}: ${what}`));
  let name: string | undefined;
  const sender = receivers.senderOf(machine, () => name);
  const directory = createDirectory({ store });
  const dispatcher = createIncarnations({
    ...{ store, directory, sender, clock, log },
    random: chance,
    keysOf: () => ({ secrets: [] }),
    credentialsOf: () => NO_CREDENTIALS,
    maySend: () => cluster.maySend(),
    wake: () => loops[0]?.wake(),
    notify: () => {},
    settings: { inFlightMax: 64, originInFlightMax: 64, disableAfterMs: 1e9, userAgent: 'sim' },
  });
  const scheduler = createScheduler({
    ...{ store, directory, clock, log },
    random: chance,
    holds: (shard) => dispatcher.holds(shard),
  });
  const cluster = createCluster({
    ...{ store, clock, log },
    lanes: {
      ...dispatcher,
      get shards() {
        return dispatcher.shards;
      },
      get giving() {
        return dispatcher.giving;
      },
      begin(node) {
        name = node;
        dispatcher.begin(node);
      },
    },
    breakOff: sender.breakOff,
    onMoved() {
      scheduler.changed('ALL');
      for (const loop of loops) loop.wake();
    },
  });
  const common = { restMs: 0, clock, log };
  const loops = [
    startLoop({ name: 'dispatcher', ...dispatcher, ...common }),
    startLoop({ name: 'scheduler', ...scheduler, ...common, restMs: 8 }),
    startLoop({ name: 'cluster', ...cluster, ...common }),
    startLoop({ name: 'guard', ...cluster.guard, ...common }),
  ];
  return {
    machine,
    name: () => name,
    async leave() {
      cluster.retire();
      await loops[1]!.stop();
      // Where what came of it cannot be written down, the process ends all the same.
      await dispatcher.drain(2_000).catch(() => {});
      await Promise.all([loops[2]!.stop(), loops[3]!.stop()]);
      await cluster.leave().catch(() => {});
      await loops[0]!.stop();
      receivers.lose(machine);
      machine.isDead = true;
    },
  };
}

/** What goes wrong without the database being away is a mistake. */
function judgingLog(wrong: (what: string) => void): Log {
  const judge = (fields: Readonly<Record<string, unknown>>, message: string): void => {
    const { reason } = fields;
    if (typeof reason === 'string' && reason !== UNREACHABLE && reason !== 'broken off')
      wrong(`${message}: ${reason}`);
  };
  return { debug: () => {}, info: () => {}, warn: judge, error: judge };
}
