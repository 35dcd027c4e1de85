import { createDispatcher, type Dispatcher, type DispatcherDeps } from './dispatcher.ts';

/**
 * The dispatcher of a process, which can be a node of a cluster several times: one that was buried never comes back, and
 * what it had in memory is worth nothing any more. So there is a new dispatcher for each name that the process has.
 */
export interface Incarnations extends Omit<Dispatcher, 'abandon'> {
  /** The process is known by this name from now on. What it was before is abandoned. */
  begin(node: string): void;
  /** It was buried. */
  end(): void;
}

const IDLE_MS = 1_000;
const NO_SHARDS: ReadonlySet<number> = new Set();

export function createIncarnations(deps: Omit<DispatcherDeps, 'node'>): Incarnations {
  let current: Dispatcher | undefined;
  let isDraining = false;

  function end(): void {
    current?.abandon();
    current = undefined;
  }

  return {
    begin(node) {
      end();
      if (!isDraining) current = createDispatcher({ ...deps, node });
    },
    end,
    tick: async () => (await current?.tick()) ?? 0,
    idleMs: () => current?.idleMs() ?? IDLE_MS,
    changed: (webhookIds) => current?.changed(webhookIds),
    async drain(graceMs) {
      isDraining = true;
      await current?.drain(graceMs);
    },
    get shards() {
      return current?.shards ?? NO_SHARDS;
    },
    get giving() {
      return current?.giving ?? NO_SHARDS;
    },
    holds: (shard) => current?.holds(shard) ?? false,
    take: async (shards) => current?.take(shards),
    give: async (shards) => current?.give(shards),
  };
}
