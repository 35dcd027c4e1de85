import { isDeepStrictEqual } from 'node:util';
import { SHARDS, shardOf } from '../domain/cluster/shard.ts';
import { isForgettable } from '../domain/delivery/lane.ts';
import { DomainError } from '../domain/error.ts';
import { isConsented, rateWithin } from '../domain/webhook/consent.ts';
import { type CredentialsOf, NO_CREDENTIALS } from '../domain/webhook/credentials.ts';
import { destinationTls } from '../domain/webhook/destination-tls.ts';
import type { KeysOf } from '../domain/webhook/signature.ts';
import { type Webhook, webhookIdOf } from '../domain/webhook/webhook.ts';
import type { Directory } from '../store/directory.ts';
import type { Log } from '../telemetry/log.ts';
import { createAlarms } from './alarms.ts';
import { aim, emptyLane, type Lane, loseAim, type Target } from './lane.ts';
import { abandon, KEEP_AHEAD_MS } from './lane-queue.ts';

/** The lanes of this node, and whose turn it is. */
export interface Lanes {
  /** The lane of a webhook; a new one if it has none. */
  of(webhookId: string, now: number): Lane;
  find(webhookId: string): Lane | undefined;
  /** Whether it is the lane of its webhook still. */
  isCurrent(lane: Lane): boolean;
  /** This node begins to own the lanes of these shards. */
  begin(shards: readonly number[], now: number): void;
  all(): Iterable<Lane>;
  /** The clock was put back by so much: the time since when new lanes have been filling their buckets follows it. */
  moveBack(byMs: number): void;
  /** Gives a lane its webhook, newly read. */
  aim(lane: Lane, webhook: Webhook, now: number): void;
  /** Forgets a lane whose webhook is gone, or which another node may have. */
  drop(lane: Lane): void;
  /** Whether more deliveries may be taken into memory. */
  readonly hasRoom: boolean;

  /** Puts a lane at the back of those that want a turn, unless it was forgotten. */
  ready(lane: Lane): void;
  /** Takes the lane at the front. */
  takeReady(): Lane | undefined;
  readonly hasReady: boolean;
  /** Leaves a lane alone until then; with Infinity, until it is made ready. */
  sleep(lane: Lane, until: number, now: number): void;
  /** Makes the lanes ready whose time has come. */
  wakeDue(now: number): void;
  readonly nextWakeAt: number;
  /** Notes that nothing waits in the lane. It is kept for a while, in case more comes soon. */
  rest(lane: Lane, now: number): void;
}

export interface LanesDeps {
  /** When this node began. */
  readonly since: number;
  readonly directory: Pick<Directory, 'peek' | 'forget'>;
  readonly keysOf: KeysOf;
  readonly credentialsOf: CredentialsOf;
  readonly log: Pick<Log, 'error'>;
}

/** The most deliveries waiting in memory over all lanes; others stay in the store until there is room. */
const WAITING_MAX = 100_000;
/** The most lanes kept with nothing waiting; beyond that, those that are idle for longest are forgotten. */
const RESTING_MAX = 5_000;

export function createLanes({ since: begun, directory, keysOf, credentialsOf, log }: LanesDeps): Lanes {
  /** By shard, when this node began to own its lanes. */
  const since = new Array<number>(SHARDS).fill(begun);
  const lanes = new Map<string, Lane>();
  /** A Set keeps its order of insertion: the front has waited longest for its turn. */
  const readyLanes = new Set<Lane>();
  const resting = new Set<Lane>();
  const alarms = createAlarms<Lane>();
  const total = { waiting: 0 };

  function aimAt(lane: Lane, webhook: Webhook, now: number): void {
    aim(lane, targetOf(webhook, secretsOf(lane, webhook)), now);
  }

  /** Undefined where no key opens them, which must not keep the lanes of others from moving. */
  function secretsOf({ wasOpen }: Lane, webhook: Webhook): Secrets | undefined {
    try {
      return { keys: keysOf(webhook), credentials: credentialsOf(webhook) };
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      // It was told when the lane was shut.
      if (wasOpen === false) return undefined;
      const { namespace, id: webhookId, spec } = webhook;
      log.error(
        { namespace, webhookId, webhookName: spec.name },
        `nothing is sent to webhook ${webhookIdOf(webhook)}: ${error.message}`,
      );
      return undefined;
    }
  }

  /** A new lane begins with the health of its webhook, so that must not be remembered as it was before. */
  function forget({ webhookId, state }: Lane, { health }: Webhook): void {
    lanes.delete(webhookId);
    if (!isDeepStrictEqual(state.health, health)) directory.forget(webhookId);
  }

  function forgetSome(now: number): void {
    for (const lane of resting) {
      if (resting.size <= RESTING_MAX) return;
      resting.delete(lane);
      const { target } = lane;
      const idle = lane.queue.known.size === 0 && !readyLanes.has(lane);
      if (idle && target !== undefined && isForgettable(lane.state, target.rules, now))
        forget(lane, target.webhook);
    }
  }

  return {
    of(webhookId, now) {
      const known = lanes.get(webhookId);
      if (known !== undefined) return known;
      const lane = emptyLane(webhookId, since[shardOf(webhookId)]!, total);
      lanes.set(webhookId, lane);
      const webhook = directory.peek(webhookId);
      if (webhook !== undefined) aimAt(lane, webhook, now);
      return lane;
    },
    find: (webhookId) => lanes.get(webhookId),
    isCurrent: (lane) => lanes.get(lane.webhookId) === lane,
    begin(shards, now) {
      for (const shard of shards) since[shard] = now;
    },
    all: () => lanes.values(),
    moveBack(byMs) {
      for (let shard = 0; shard < SHARDS; shard++) since[shard]! -= byMs;
    },
    aim: aimAt,
    drop(lane) {
      if (lanes.get(lane.webhookId) === lane) lanes.delete(lane.webhookId);
      readyLanes.delete(lane);
      resting.delete(lane);
      abandon(lane.queue);
      alarms.stop(lane);
    },
    get hasRoom() {
      return total.waiting < WAITING_MAX;
    },
    ready(lane) {
      if (lanes.get(lane.webhookId) !== lane) return;
      resting.delete(lane);
      alarms.stop(lane);
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
      alarms.set(lane, until);
      const { queue, target } = lane;
      // A lane with nothing in memory that is paused, or whose next retry is far ahead, need not keep its
      // webhook. While it is being read it does: without its webhook it takes nothing into memory.
      const isIdle = queue.known.size === 0 && queue.changedDuringRead === undefined;
      const isFar = !target?.rules.open || queue.more > now + KEEP_AHEAD_MS;
      if (isIdle && isFar && until > now + KEEP_AHEAD_MS) loseAim(lane);
    },
    wakeDue(now) {
      for (let lane = alarms.takeDue(now); lane !== undefined; lane = alarms.takeDue(now))
        readyLanes.add(lane);
    },
    get nextWakeAt() {
      return alarms.nextAt;
    },
    rest(lane, now) {
      resting.add(lane);
      if (resting.size > RESTING_MAX) forgetSome(now);
    },
  };
}

type Secrets = Pick<Target, 'keys' | 'credentials'>;

/** A webhook whose secrets are not to be had is shut, and its deliveries wait. */
function targetOf(webhook: Webhook, secrets: Secrets | undefined): Target {
  const { limits, destination } = webhook.effective;
  const { ordered } = limits;
  const rate = rateWithin(limits.rate, webhook.consent?.allowedPerMinute);
  const isOpen = webhook.state === 'ACTIVE' && !webhook.suspended && isConsented(webhook);
  const rules = {
    open: isOpen && secrets !== undefined,
    concurrency: ordered ? 1 : limits.concurrency,
    ...(rate && { rate }),
  };
  const { origin } = new URL(destination);
  const { keys, credentials } = secrets ?? { keys: { secrets: [] }, credentials: NO_CREDENTIALS };
  const tls = destinationTls(webhook, credentials);
  return { webhook, rules, ordered, keys, credentials, ...(tls && { tls }), origin };
}
