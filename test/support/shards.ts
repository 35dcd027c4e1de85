import { SHARDS } from '../../src/domain/cluster/shard.ts';

/** Every shard: what the one node of a store has. */
export const ALL_SHARDS: readonly number[] = Array.from({ length: SHARDS }, (_, shard) => shard);

export const holdsAll = (): boolean => true;
