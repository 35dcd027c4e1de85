import type { Clock } from '../domain/clock.ts';
import { abortInMs, BEAT_MS, type Moment, maySend, mustAbort } from '../domain/cluster/lease.ts';
import { movesOf } from '../domain/cluster/shares.ts';
import { type NodeBeats, observe, type Watch } from '../domain/cluster/watch.ts';
import type { ClusterView, Cluster as Verbs } from '../store/cluster.ts';
import type { Log } from '../telemetry/log.ts';

/**
 * This process as one of the nodes that share a store: it joins, beats, watches how others do, buries those that stand
 * still, and sees to it that it has its fair share of the shards. What follows from what it sees is decided in
 * `domain/cluster/`; that a shard is taken and given up in the right order is seen to by who has its lanes.
 */
export interface Cluster {
  /** One beat, and what follows from it. Raises UNAVAILABLE and EXHAUSTED. */
  tick(): Promise<void>;
  /** Milliseconds until the next beat. */
  idleMs(): number;
  /** Whether this node may send: its last good beat is young enough. */
  maySend(): boolean;
  /** Breaks off what is in flight where this node has not been heard of for too long. */
  guard: { tick(): Promise<void>; idleMs(): number };
  /** It takes no more shards: it is about to go. */
  retire(): void;
  /** It goes: others may have what it had. Tolerates being called twice. Raises UNAVAILABLE and EXHAUSTED. */
  leave(): Promise<void>;
}

export interface ClusterDeps {
  readonly store: Pick<Verbs, 'join' | 'beat' | 'bury' | 'leave'>;
  readonly lanes: OwnLanes;
  /** Ends all requests that are in flight. */
  readonly breakOff: () => void;
  /** Called when other shards are held than before. */
  readonly onMoved: () => void;
  readonly clock: Pick<Clock, 'now' | 'monotonic'>;
  readonly log: Log;
}

/** Who acts on the lanes of the shards that are held. */
export interface OwnLanes {
  /** The node is known by this name from now on. */
  begin(node: string): void;
  /** It was buried. */
  end(): void;
  /** The shards that it acts on, or is giving up. */
  readonly shards: ReadonlySet<number>;
  /** Those of them that it began to give up. */
  readonly giving: ReadonlySet<number>;
  take(shards: readonly number[]): Promise<void>;
  give(shards: readonly number[]): Promise<void>;
}

/** The most time between two looks whether requests are to be broken off: a clock can be set meanwhile. */
const GUARD_MS = 1_000;
/** Nobody else can have the store, so that this is not to be heard of. */
const FOR_EVER: Moment = { wall: Number.POSITIVE_INFINITY, monotonic: Number.POSITIVE_INFINITY };

export function createCluster({ store, lanes, breakOff, onMoved, clock, log }: ClusterDeps): Cluster {
  let me: string | undefined;
  /** When the last good beat was sent; undefined for one that lives no more, or not yet. */
  let beat: Moment | undefined;
  let watch: Watch | undefined;
  /** The shards that are being taken or given up; others follow from a beat that begins after that. */
  let moving: Promise<void> | undefined;
  let isBroken = true;
  let isRetired = false;
  /** Whether there is something to do at once. */
  let soon = false;

  function present(): Moment {
    return { wall: clock.now(), monotonic: clock.monotonic() };
  }

  async function join(): Promise<string> {
    me = await store.join();
    watch = undefined;
    lanes.begin(me);
    return me;
  }

  /** It was buried, so others have what it had. It joins anew, under another name. */
  function die(node: string): void {
    log.error(
      { node },
      'this node was not heard of for too long, and others have taken over: it begins anew',
    );
    me = undefined;
    beat = undefined;
    lanes.end();
    breakOff();
    onMoved();
    soon = true;
  }

  async function bury(still: readonly NodeBeats[]): Promise<void> {
    if (still.length === 0) return;
    await store.bury(still);
    log.warn(
      { nodes: still.map(({ node }) => node) },
      'nodes that are not heard of any more are taken for dead',
    );
    soon = true;
  }

  function balance(node: string, { nodes, owners }: ClusterView): void {
    const { take, give } = movesOf({
      me: node,
      nodes: nodes.map((each) => each.node),
      owners,
      held: lanes.shards,
      giving: lanes.giving,
    });
    if (take.length === 0 && give.length === 0) return;
    moving = move(take, give).then(
      () => {
        moving = undefined;
        soon = take.length > 0;
      },
      (error: unknown) => {
        moving = undefined;
        log.warn(
          { reason: (error as Error).message },
          'shards could not be taken, or given up; it is tried again',
        );
      },
    );
  }

  async function move(take: readonly number[], give: readonly number[]): Promise<void> {
    try {
      if (take.length > 0) await lanes.take(take);
      else await lanes.give(give);
    } finally {
      onMoved();
    }
  }

  return {
    async tick() {
      soon = false;
      if (isRetired && me === undefined) return;
      const node = me ?? (await join());
      const sent = present();
      const wasMoving = moving !== undefined;
      const view = await store.beat(node);
      if (view === 'DEAD') {
        die(node);
        return;
      }
      beat = view.isSole ? FOR_EVER : sent;
      isBroken = false;
      const times = { sentAt: sent.monotonic, answeredAt: clock.monotonic() };
      const others = view.nodes.filter((each) => each.node !== node);
      const seen = observe(watch, others, times);
      watch = seen.watch;
      await bury(seen.still);
      // What was read while shards were moved may be as it was before.
      if (!wasMoving && moving === undefined && !isRetired) balance(node, view);
    },
    idleMs: () => (soon ? 0 : BEAT_MS),
    maySend: () => maySend(beat, present()),
    guard: {
      async tick() {
        if (isBroken || !mustAbort(beat, present())) return;
        isBroken = true;
        log.warn({ node: me }, 'requests are broken off: this node has not reached the store for too long');
        breakOff();
      },
      idleMs: () => (isBroken ? GUARD_MS : Math.min(GUARD_MS, abortInMs(beat, present()))),
    },
    retire() {
      isRetired = true;
    },
    async leave() {
      isRetired = true;
      await moving;
      const node = me;
      me = undefined;
      beat = undefined;
      if (node !== undefined) await store.leave(node);
    },
  };
}
