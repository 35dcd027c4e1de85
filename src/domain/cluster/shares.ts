import { SHARDS } from './shard.ts';

/** What a node knows when it decides which shards to take and which to give up. */
export interface Holdings {
  readonly me: string;
  /** All nodes that are not buried, in any order. */
  readonly nodes: readonly string[];
  /** The owner of each shard as the store has it; undefined where it has none that lives. */
  readonly owners: readonly (string | undefined)[];
  /** The shards that this node acts on, or is giving up. */
  readonly held: ReadonlySet<number>;
  /** Those of them that it began to give up, and acts on no more. */
  readonly giving: ReadonlySet<number>;
}

export interface Moves {
  readonly take: readonly number[];
  readonly give: readonly number[];
}

/**
 * What a node does for its fair share. Every node comes to the same shares by itself, since these follow from the names
 * of the nodes: one that has more gives up, one that has less takes what is free, and nobody takes from another.
 */
export function movesOf({ me, nodes, owners, held, giving }: Holdings): Moves {
  // What was begun is ended first, whoever has them by now: nobody acts on them.
  if (giving.size > 0) return { take: [], give: [...giving] };
  const sorted = [...nodes].sort();
  const rank = sorted.indexOf(me);
  if (rank < 0) return { take: [], give: [] };
  const share = Math.floor(SHARDS / sorted.length) + (rank < SHARDS % sorted.length ? 1 : 0);
  const mine: number[] = [];
  const free: number[] = [];
  for (let shard = 0; shard < SHARDS; shard++) {
    if (owners[shard] === me) mine.push(shard);
    else if (owners[shard] === undefined) free.push(shard);
  }
  // The answer to what took them was lost.
  const stray = mine.filter((shard) => !held.has(shard));
  // Each begins elsewhere, so that nodes that look at the same time do not all want the same.
  const start = free.length === 0 ? 0 : Math.floor((rank * free.length) / sorted.length);
  const inTurn = [...free.slice(start), ...free.slice(0, start)];
  return {
    take: [...stray, ...inTurn.slice(0, Math.max(0, share - mine.length))],
    give: mine.slice(Math.min(share, mine.length)).filter((shard) => held.has(shard)),
  };
}
