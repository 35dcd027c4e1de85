import type { Store, WaitingPoll } from '../store/store.ts';
import { type Lane, leave, lend } from './lane.ts';
import { forget, hasUnderWay, leaveInStore, underWay } from './lane-queue.ts';
import type { Lanes } from './lanes.ts';
import type { Reads } from './reads.ts';

/** The shards that this node has, and how they come to it and go. */
export interface Shards {
  /** Whether the node acts on lanes of this shard. */
  holds(shard: number): boolean;
  /** All that it acts on, or is giving up. */
  readonly held: ReadonlySet<number>;
  /** Those of them that it is giving up. */
  readonly giving: ReadonlySet<number>;
  /** Takes in what became visible in them since the last poll. */
  poll(): Promise<void>;
  /** Takes over those that are free. Raises what the store raises; it may have taken them then. */
  take(shards: readonly number[]): Promise<void>;
  /**
   * Sends nothing more of these, and gives them up as soon as nothing of them is in flight, or after `GIVE_MS` with
   * what is. Raises what the store raises; they are to be given up again then.
   */
  give(shards: readonly number[]): Promise<void>;
}

export interface ShardsDeps {
  readonly store: Pick<Store, 'acquire' | 'giveUp'>;
  readonly node: string;
  readonly lanes: Lanes;
  readonly reads: () => Pick<Reads, 'poll' | 'list'>;
  readonly now: () => number;
  /** Lets a lane have its turn. */
  readonly touch: (lane: Lane) => void;
}

/** How long a shard that is given up is kept for what is in flight. */
const GIVE_MS = 5_000;
/** How often it is looked whether anything still is. */
const LOOK_MS = 50;
/** How long it can take until an attempt that has come to its end is settled. */
const SETTLE_MS = 10_000;
/** The longest that an attempt can take (proto/carillon/v1/webhook.proto). */
const ATTEMPT_MAX_MS = 300_000;

export function createShards({ store, node, lanes, reads, now, touch }: ShardsDeps): Shards {
  const acting = new Set<number>();
  const held = new Set<number>();
  const giving = new Set<number>();
  /** What earlier owners have under way in lanes of this node, by ord. */
  const lent = new Map<number, Lane>();
  let mark: WaitingPoll['mark'];
  /** What polls, takes or gives waits for what does so already: a poll must not go on from before a shard was taken. */
  let turn: Promise<unknown> = Promise.resolve();

  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = turn.then(work);
    turn = done.catch(() => {});
    return done;
  }

  async function pollOnce(): Promise<void> {
    const found = await reads().poll({ shards: [...held], since: mark, held: [...lent.keys()] });
    mark = found.mark;
    for (const ord of found.over ?? []) giveBack(ord);
  }

  /** What an earlier owner had under way is so no more: what became of it is in the store. */
  function giveBack(ord: number): void {
    const lane = lent.get(ord);
    const delivery = lane?.queue.known.get(ord);
    lent.delete(ord);
    if (lane === undefined || delivery === undefined) return;
    leave(lane);
    leaveInStore(lane.queue, forget(lane.queue, delivery));
    touch(lane);
  }

  function lanesOf(shards: readonly number[]): Lane[] {
    const wanted = new Set(shards);
    return [...lanes.all()].filter(({ shard }) => wanted.has(shard));
  }

  async function untilQuiet(shards: readonly number[]): Promise<void> {
    for (let waitedMs = 0; waitedMs < GIVE_MS; waitedMs += LOOK_MS) {
      if (!lanesOf(shards).some(isBusy)) return;
      await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    }
  }

  /** Whether this node has anything under way in it. */
  function isBusy({ queue }: Lane): boolean {
    return hasUnderWay(queue) && underWay(queue).some(({ ord }) => !lent.has(ord));
  }

  function dropAll(shards: readonly number[]): void {
    for (const lane of lanesOf(shards)) {
      for (const { ord } of underWay(lane.queue)) lent.delete(ord);
      lanes.drop(lane);
    }
  }

  return {
    holds: (shard) => acting.has(shard),
    held,
    giving,
    poll: () => inTurn(async () => (held.size === 0 ? undefined : pollOnce())),
    take: (shards) =>
      inTurn(async () => {
        // From the snapshot of this poll the next goes on, with the new shards too. What they had before is loaded later
        // than that, so nothing falls between the two.
        await pollOnce();
        const acquired = await store.acquire({ node, shards });
        for (const shard of acquired.taken) {
          acting.add(shard);
          held.add(shard);
        }
        lanes.begin(acquired.taken, now());
        for (const delivery of acquired.held) {
          const lane = lanes.of(delivery.webhookId, now());
          if (lane.queue.known.has(delivery.ord)) continue;
          lend(lane, delivery);
          lent.set(delivery.ord, lane);
        }
        reads().list(acquired.taken);
      }),
    async give(shards) {
      for (const shard of shards) {
        acting.delete(shard);
        giving.add(shard);
      }
      await untilQuiet(shards);
      await inTurn(async () => {
        const flying = lanesOf(shards).flatMap(({ queue, target }) => {
          const leftMs = (target?.webhook.effective.timeoutMs ?? ATTEMPT_MAX_MS) + SETTLE_MS;
          return underWay(queue).flatMap((delivery) =>
            lent.has(delivery.ord) ? [] : [{ delivery, leftMs }],
          );
        });
        await store.giveUp({ node, shards, held: flying });
        dropAll(shards);
        for (const shard of shards) {
          held.delete(shard);
          giving.delete(shard);
        }
        // Who holds none begins anew.
        if (held.size === 0) mark = undefined;
      });
    },
  };
}
