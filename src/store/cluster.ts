/**
 * Nodes that share a store, and which of them owns which shards of lanes. Which errors the port raises, and when, is
 * said in `store.ts`; a call that raised one is not carried out later. A store that only one node can have at a time
 * gives it all shards.
 *
 * A node that was buried is dead for good: it settles nothing, and owns nothing. It joins anew, under another name.
 */
import type { NodeBeats } from '../domain/cluster/watch.ts';
import type { WaitingDelivery } from '../domain/delivery/delivery.ts';

export interface Cluster {
  /** A node begins. Returns its name, which no other has had. Raises UNAVAILABLE and EXHAUSTED. */
  join(): Promise<string>;

  /**
   * A node lives: counts its beats up by one. Returns how the others are, or 'DEAD' where it was buried. A beat and the
   * burial of its node exclude each other: one of them sees the other. Raises UNAVAILABLE and EXHAUSTED.
   */
  beat(node: string): Promise<ClusterView | 'DEAD'>;

  /**
   * Buries nodes that have not beaten since these counts. A settlement of theirs that is under way is committed before
   * that, or refused. What they own is free from then on. Raises UNAVAILABLE and EXHAUSTED.
   */
  bury(nodes: readonly NodeBeats[]): Promise<void>;

  /**
   * A node takes those of the shards that are free, or are its own already; of the dead it takes none. Raises
   * UNAVAILABLE and EXHAUSTED.
   */
  acquire(query: { readonly node: string; readonly shards: readonly number[] }): Promise<Acquired>;

  /**
   * A node gives up shards, and writes down what of their lanes it still has under way: that stays its own to settle.
   * What is settled by then is left out. Of a shard that is not its own nothing is changed or written. Raises UNAVAILABLE and EXHAUSTED.
   */
  giveUp(query: {
    readonly node: string;
    readonly shards: readonly number[];
    readonly held: readonly HeldDelivery[];
  }): Promise<void>;

  /** A node goes: it owns nothing any more, and settles nothing. Raises UNAVAILABLE and EXHAUSTED. */
  leave(node: string): Promise<void>;
}

export interface ClusterView {
  /** Every node that is not buried and has not gone, the one that asks included. */
  readonly nodes: readonly NodeBeats[];
  /** The owner of each shard; undefined where it has none that lives. */
  readonly owners: readonly (string | undefined)[];
  /** Whether no other node can have the store: then nobody takes over, however long this one is not heard of. */
  readonly isSole: boolean;
}

export interface Acquired {
  readonly taken: readonly number[];
  /** What an earlier owner of them that lives still has under way. Polls tell when that is over. */
  readonly held: readonly WaitingDelivery[];
}

/** A delivery that is under way at a node which has given up its lane. */
export interface HeldDelivery {
  readonly delivery: WaitingDelivery;
  /** How long it can take until it is settled. After that it may be sent again by whoever has the lane. */
  readonly leftMs: number;
}
