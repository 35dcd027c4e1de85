import type { KeyObject } from 'node:crypto';
import { isForgettable, isHealthy } from '../domain/delivery/lane.ts';
import { createDueQueue } from '../domain/due-queue.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Directory } from '../store/directory.ts';
import { empty, emptyLane, KEEP_AHEAD_MS, type Lane, setOrder, type Target } from './lane-queue.ts';

/** The lanes of this node, and whose turn it is. */
export interface Lanes {
  /** The lane of a webhook; a new one if it has none. */
  of(webhookId: string, now: number): Lane;
  find(webhookId: string): Lane | undefined;
  all(): Iterable<Lane>;
  /** Gives a lane its webhook, newly read. */
  aim(lane: Lane, webhook: Webhook, now: number): void;
  /** Drops a lane whose webhook is gone. */
  drop(lane: Lane): void;
  /** Whether more deliveries may be taken into memory. */
  readonly hasRoom: boolean;

  /** Puts a lane at the back of those that want a turn. */
  ready(lane: Lane): void;
  /** Takes the lane at the front. */
  takeReady(): Lane | undefined;
  readonly hasReady: boolean;
  /** Leaves a lane alone until then; with Infinity, until it is made ready. */
  sleep(lane: Lane, until: number, now: number): void;
  /** Makes the lanes ready whose time has come. */
  wakeDue(now: number): void;
  readonly nextWakeAt: number;
  /** Nothing waits in the lane: it is kept for a while, in case more comes soon. */
  rest(lane: Lane, now: number): void;
}

export interface LanesDeps {
  /** When this node began to own its lanes. */
  readonly since: number;
  readonly directory: Pick<Directory, 'peek'>;
  readonly keysOf: (webhook: Webhook) => readonly KeyObject[];
}

/** Deliveries waiting in memory over all lanes; beyond, they stay in the store until there is room. */
const WAITING_MAX = 100_000;
/** Lanes kept with nothing waiting; beyond, the longest idle are forgotten. */
const RESTING_MAX = 5_000;

export function createLanes({ since, directory, keysOf }: LanesDeps): Lanes {
  const lanes = new Map<string, Lane>();
  /** A Set keeps its order of insertion: the front has waited longest for its turn. */
  const readyLanes = new Set<Lane>();
  const resting = new Set<Lane>();
  const sleeping = createDueQueue<Lane>();
  const total = { waiting: 0 };

  function aim(lane: Lane, webhook: Webhook, now: number): void {
    const target = targetOf(webhook, keysOf);
    // The row knows better than this node when the lane is new to it, and when a caller has resumed it, which
    // can be done to one that is ACTIVE too. Any other change of a webhook whose first failure is not on disk
    // yet looks the same: its breaker then takes a few attempts more.
    const isResumed =
      webhook.version > lane.version && isHealthy(webhook.health) && !isHealthy(lane.state.health);
    const isFresh = lane.wasOpen === undefined || (!lane.wasOpen && target.rules.open) || isResumed;
    if (isFresh) lane.state = { ...lane.state, health: webhook.health, failures: 0, holdUntil: 0 };
    lane.wasOpen = target.rules.open;
    lane.version = webhook.version;
    lane.target = target;
    setOrder(lane, target.ordered, now);
  }

  function setTimer(lane: Lane, at: number): void {
    if (at >= lane.timerAt) return;
    lane.timerAt = at;
    sleeping.push(lane, at);
  }

  function forgetSome(now: number): void {
    for (const lane of resting) {
      if (resting.size <= RESTING_MAX) return;
      resting.delete(lane);
      const { target } = lane;
      const idle = lane.known.size === 0 && !readyLanes.has(lane);
      if (idle && target !== undefined && isForgettable(lane.state, target.rules, now))
        lanes.delete(lane.webhookId);
    }
  }

  return {
    of(webhookId, now) {
      const known = lanes.get(webhookId);
      if (known !== undefined) return known;
      const lane = emptyLane(webhookId, since, total);
      lanes.set(webhookId, lane);
      const webhook = directory.peek(webhookId);
      if (webhook !== undefined) aim(lane, webhook, now);
      return lane;
    },
    find: (webhookId) => lanes.get(webhookId),
    all: () => lanes.values(),
    aim,
    drop(lane) {
      lanes.delete(lane.webhookId);
      readyLanes.delete(lane);
      resting.delete(lane);
      empty(lane);
      lane.more = Number.POSITIVE_INFINITY;
      lane.wakeAt = Number.POSITIVE_INFINITY;
    },
    get hasRoom() {
      return total.waiting < WAITING_MAX;
    },
    ready(lane) {
      resting.delete(lane);
      lane.wakeAt = Number.POSITIVE_INFINITY;
      readyLanes.add(lane);
    },
    takeReady() {
      for (const lane of readyLanes) {
        readyLanes.delete(lane);
        return lane;
      }
      return undefined;
    },
    get hasReady() {
      return readyLanes.size > 0;
    },
    sleep(lane, until, now) {
      lane.wakeAt = until;
      setTimer(lane, until);
      // With nothing in memory and a retry far ahead, or paused, its webhook is not worth keeping either. It is
      // for a read under way, which brings nothing into memory without it.
      const isIdle = lane.known.size === 0 && lane.changedDuringRead === undefined;
      const isFar = !lane.target?.rules.open || lane.more > now + KEEP_AHEAD_MS;
      if (isIdle && isFar && until > now + KEEP_AHEAD_MS) lane.target = undefined;
    },
    wakeDue(now) {
      for (let lane = sleeping.popDue(now); lane !== undefined; lane = sleeping.popDue(now)) {
        lane.timerAt = Number.POSITIVE_INFINITY;
        // It may have been woken, and sent to sleep again for longer, since the timer was set.
        if (lane.wakeAt > now) setTimer(lane, lane.wakeAt);
        else {
          lane.wakeAt = Number.POSITIVE_INFINITY;
          readyLanes.add(lane);
        }
      }
    },
    get nextWakeAt() {
      return sleeping.nextDueAt;
    },
    rest(lane, now) {
      resting.add(lane);
      if (resting.size > RESTING_MAX) forgetSome(now);
    },
  };
}

function targetOf(webhook: Webhook, keysOf: LanesDeps['keysOf']): Target {
  const { limits, destination } = webhook.spec;
  const { ordered, rate } = limits;
  const rules = {
    open: webhook.state === 'ACTIVE',
    concurrency: ordered ? 1 : limits.concurrency,
    ...(rate && { rate }),
  };
  return { webhook, rules, ordered, keys: keysOf(webhook), origin: new URL(destination).origin };
}
