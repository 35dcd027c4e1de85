import { type ClusterDeps, createCluster } from '../cluster/cluster.ts';
import { startLoop } from './loop.ts';

/** This process as a node of a cluster, and the loops by which it is one. */
export interface Node {
  maySend(): boolean;
  start(): void;
  /** It takes nothing over any more. */
  retire(): void;
  /** It goes, so that others can have what it had. Not before what was in flight is settled: until then it is its own. */
  stop(): Promise<void>;
}

export function createNode(deps: ClusterDeps): Node {
  const { clock, log } = deps;
  const cluster = createCluster(deps);
  let loops: ReturnType<typeof startLoop>[] = [];
  return {
    maySend: cluster.maySend,
    retire: cluster.retire,
    start() {
      const common = { restMs: 0, clock, log };
      loops = [
        startLoop({ name: 'cluster', ...cluster, ...common }),
        startLoop({ name: 'guard of the lease', ...cluster.guard, ...common }),
      ];
    },
    async stop() {
      await Promise.all(loops.map((loop) => loop.stop()));
      await cluster.leave().catch((error: unknown) => {
        // It is taken for dead in a while.
        log.warn({ reason: (error as Error).message }, 'this node could not say that it goes');
      });
    },
  };
}
