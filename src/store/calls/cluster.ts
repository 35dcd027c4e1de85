import { SHARDS } from '../../domain/cluster/shard.ts';
import type { Cluster } from '../cluster.ts';

export interface SoleNode extends Cluster {
  /** Whether it lives: it has joined last, was not buried and has not left. */
  lives(node: string): boolean;
}

/** The cluster of a store that one process at a time can have: its node owns all shards as soon as it wants them. */
export function soleNode(): SoleNode {
  let joined = 0;
  let current: string | undefined;
  let beats = 0;
  const owned = new Set<number>();

  return {
    lives: (node) => node === current,

    async join() {
      owned.clear();
      beats = 0;
      current = `sole-${++joined}`;
      return current;
    },

    async beat(node) {
      if (node !== current) return 'DEAD';
      beats++;
      const owners = Array.from({ length: SHARDS }, (_, shard) => (owned.has(shard) ? node : undefined));
      return { nodes: [{ node, beats }], owners, isSole: true };
    },

    async bury(nodes) {
      if (nodes.some((found) => found.node === current && found.beats === beats)) current = undefined;
    },

    async acquire({ node, shards }) {
      if (node !== current) return { taken: [], held: [] };
      for (const shard of shards) owned.add(shard);
      return { taken: shards, held: [] };
    },

    async giveUp({ node, shards }) {
      if (node === current) for (const shard of shards) owned.delete(shard);
    },

    async leave(node) {
      if (node === current) current = undefined;
    },
  };
}
