/** What goes wrong: machines, the network between, and the database. */
import type { Chance } from './chance.ts';
import type { Database } from './database.ts';
import type { Weather } from './link.ts';
import type { SimNode } from './node.ts';
import type { Receivers } from './receivers.ts';
import type { Machine, World } from './world.ts';

export interface FaultsDeps {
  readonly world: World;
  readonly database: Database;
  readonly chance: Chance;
  readonly weather: Weather;
  readonly receivers: Receivers;
  readonly nodes: Set<SimNode>;
  /** Starts one more node. */
  readonly start: () => void;
  /** What happens to a machine now can keep it from beating for so long. */
  readonly excuse: (machine: Machine, forMs: number) => void;
  readonly say: (line: string) => void;
}

const NODES_MAX = 6;
/** The time after a fault in which its node can still be buried for it. */
const AFTER_MS = 25_000;

export function createFaults(deps: FaultsDeps) {
  const { world, database, chance, weather, receivers, nodes, start, excuse, say } = deps;
  let isOver = false;

  /** One that nothing is wrong with. */
  function well(): SimNode | undefined {
    const all = [...nodes].filter(({ machine }) => !machine.isStopped && !weather.cutOff.has(machine));
    return all.length === 0 ? undefined : chance.pick(all);
  }

  /** Often about as long as it takes until others notice. */
  function long(): number {
    const [low, high] = chance.pick([
      [200, 9_000],
      [9_500, 13_000],
      [9_000, 28_000],
    ] as const);
    return chance.between(low, high);
  }

  function goAway(): void {
    weather.isDown = true;
    weather.wentAt = [world.now(), weather.wentAt[0]];
  }

  const faults: Record<string, () => void> = {
    kill() {
      const node = well();
      if (node === undefined) return;
      say(`${node.machine.name} is killed`);
      node.machine.isDead = true;
      receivers.lose(node.machine);
      nodes.delete(node);
      world.after(chance.between(500, 15_000), undefined, start);
    },
    stop() {
      const node = well();
      if (node === undefined) return;
      const ms = long();
      const isSuspended = chance.hits(0.5);
      say(`${node.machine.name} is ${isSuspended ? 'suspended' : 'stopped'} for ${ms.toFixed(0)} ms`);
      excuse(node.machine, ms + AFTER_MS);
      world.stop(node.machine, isSuspended);
      world.after(ms, undefined, () => {
        if (node.machine.isStopped) world.goOn(node.machine);
      });
    },
    cutOff() {
      const node = well();
      if (node === undefined) return;
      const ms = long();
      say(`${node.machine.name} is cut off for ${ms.toFixed(0)} ms`);
      excuse(node.machine, ms + AFTER_MS);
      weather.cutOff.add(node.machine);
      world.after(ms, undefined, () => weather.cutOff.delete(node.machine));
    },
    outage() {
      if (weather.isDown) return;
      const ms = long();
      say(`the database is away for ${ms.toFixed(0)} ms`);
      goAway();
      world.after(ms, undefined, () => {
        weather.isDown = false;
      });
    },
    crash() {
      if (weather.isDown) return;
      say('the database crashes');
      // What was begun in vain just before.
      for (let i = chance.whole(0, 40); i > 0; i--) database.abort(database.begin());
      world.after(chance.between(1, 60), undefined, () => {
        database.crash();
        goAway();
        world.after(chance.between(20, 4_000), undefined, () => {
          weather.isDown = false;
        });
      });
    },
    join() {
      if (nodes.size < NODES_MAX) start();
    },
    leave() {
      const node = well();
      if (node === undefined || nodes.size < 2) return;
      say(`${node.machine.name} leaves`);
      nodes.delete(node);
      world.after(0, node.machine, () => void node.leave());
    },
  };

  return {
    begin(forMs: number): void {
      const names = Object.keys(faults);
      // Some histories have only one kind, so that what it does alone is seen.
      const kinds = chance.hits(0.4) ? [chance.pick(names)] : names;
      const gapMs = chance.pick([1_500, 5_000, 12_000]);
      const next = (): void => {
        if (isOver || world.now() > forMs) return;
        faults[chance.pick(kinds)]!();
        world.after(chance.between(0.2, 2) * gapMs, undefined, next);
      };
      world.after(chance.between(3_000, 8_000), undefined, next);
    },
    /** From now on all is well. */
    end(): void {
      isOver = true;
      say('all is well from now on');
      weather.slowness = 0;
      weather.isDown = false;
      weather.cutOff.clear();
      for (const { machine } of nodes) if (machine.isStopped) world.goOn(machine);
      if (nodes.size === 0) start();
    },
  };
}
