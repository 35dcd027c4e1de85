import { shardOf } from '../domain/cluster/shard.ts';
import type { WaitingDelivery } from '../domain/delivery/delivery.ts';
import {
  excused,
  finished,
  HEALTHY,
  type LaneRules,
  type LaneState,
  movedBack,
  NEVER,
  newLane,
  next,
  resumed,
  sought,
  started,
  type Turn,
  urged,
} from '../domain/delivery/lane.ts';
import type { Verdict } from '../domain/delivery/settle.ts';
import type { Credentials } from '../domain/webhook/credentials.ts';
import type { DestinationTls } from '../domain/webhook/destination-tls.ts';
import type { SigningKeys } from '../domain/webhook/signature.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import { type Alarm, noAlarm } from './alarms.ts';
import {
  adopt,
  type EnqueueInput,
  emptyQueue,
  enqueue,
  hasUnderWay,
  type LaneQueue,
  reread,
  setOrder,
  takeFirst,
  wantsRead,
  withdraw,
} from './lane-queue.ts';

/**
 * A webhook's lane as this node holds it: what waits in it, and the state that says when it may next move.
 * Each field is written in one file only, and is readonly to all others: those of the lane itself here,
 * those of its queue in lane-queue.ts, and those of its alarm in alarms.ts.
 *
 * Invariants:
 * - `state` moves only by the rules in domain/delivery/lane.ts. Its `inFlight` is the number of deliveries
 *   that were launched and have not come back; in an ordered lane one counts until it is settled on disk,
 *   since the next must not go before that.
 * - A lane without a target does not move, and takes nothing new into memory.
 * - `wasOpen` and `healthVersion` are those of the target that the lane had last. Once it was shut it is not
 *   open again before its webhook says so.
 * - The queue is ordered if the target is.
 */
export interface Lane {
  readonly webhookId: string;
  readonly shard: number;
  /** Undefined until it has been read, or read again after a change. */
  readonly target: Target | undefined;
  /** Whether the webhook was ACTIVE when it was read last; undefined before the first time. */
  readonly wasOpen: boolean | undefined;
  /** The webhook's version with which the health in `state` began: attempts made for an earlier one do not count. */
  readonly healthVersion: number;
  readonly state: LaneState;
  readonly queue: LaneQueue;
  readonly alarm: Alarm;
}

interface OwnLane extends Lane {
  target: Target | undefined;
  wasOpen: boolean | undefined;
  healthVersion: number;
  state: LaneState;
}

/** The one place where what is readonly to others becomes writable. */
function own(lane: Lane): OwnLane {
  return lane;
}

/** What the lane needs to know of its webhook. */
export interface Target {
  readonly webhook: Webhook;
  readonly rules: LaneRules;
  readonly ordered: boolean;
  readonly keys: SigningKeys;
  readonly credentials: Credentials;
  /** How TLS is spoken with the destination; undefined where it is as with others. */
  readonly tls?: DestinationTls;
  /** Scheme, host and port. */
  readonly origin: string;
}

/** A delivery whose turn has come. */
export interface Flight {
  readonly lane: Lane;
  readonly target: Target;
  readonly delivery: WaitingDelivery;
}

/** A lane of which nothing is known yet; its rate bucket has been filling since `since`. */
export function emptyLane(webhookId: string, since: number, total: { waiting: number }): Lane {
  return {
    webhookId,
    shard: shardOf(webhookId),
    target: undefined,
    wasOpen: undefined,
    healthVersion: 0,
    state: newLane(HEALTHY, since),
    queue: emptyQueue(total),
    alarm: noAlarm(),
  };
}

// ── Its webhook ────────────────────────────────────────────────────────────────────────────────────

/** Gives the lane its webhook, newly read. */
export function aim(lane: Lane, target: Target, now: number): void {
  const { webhook, rules, ordered } = target;
  const { health, healthVersion } = webhook;
  const mine = own(lane);
  // The row knows better than this node when the lane is new to it, and when a caller has resumed it or pointed
  // it elsewhere: what another destination asked for, and how it was, says nothing about this one.
  const isFresh = lane.wasOpen === undefined || healthVersion > lane.healthVersion;
  if (isFresh) mine.state = resumed(lane.state, health);
  mine.healthVersion = healthVersion;
  mine.wasOpen = rules.open;
  mine.target = target;
  setOrder(lane.queue, ordered, now);
}

/** The webhook may have changed, or is not worth keeping: the lane does not move until it is read again. */
export function loseAim(lane: Lane): void {
  own(lane).target = undefined;
}

/**
 * Nothing more is to be sent there. This takes effect at once, rather than when the store reports the
 * change. Returns whether the lane was open.
 */
export function shut(lane: Lane): boolean {
  if (!lane.wasOpen) return false;
  const mine = own(lane);
  mine.wasOpen = false;
  const { target } = lane;
  if (target !== undefined) mine.target = { ...target, rules: { ...target.rules, open: false } };
  return true;
}

// ── Its queue, as far as it depends on the rest ────────────────────────────────────────────────────

/** How a delivery arrives. */
export type Arrival = Omit<EnqueueInput, 'goesFirst'>;

/** Takes a new delivery into memory, or leaves it in the store; returns whether it was taken. */
export function admit(lane: Lane, delivery: WaitingDelivery, input: Arrival): boolean {
  const { queue, target, state } = lane;
  // Whether the lane is ordered is not known before its webhook is: then the store keeps the rows.
  const room = input.room && target !== undefined;
  const goesFirst = !queue.ordered && delivery.ord === state.urge.first;
  return enqueue(queue, delivery, { ...input, room, goesFirst });
}

/** Whether the lane ought to be read from the store now. */
export function lacksDeliveries(lane: Lane, now: number): boolean {
  return lane.target?.rules.open === true && wantsRead(lane.queue, now);
}

/** The next to go, if it is due: what a caller had sent again, or else the first in turn. */
export function takeDue(lane: Lane, now: number): WaitingDelivery | undefined {
  return takeUrged(lane, now) ?? takeFirst(lane.queue, now);
}

function takeUrged(lane: Lane, now: number): WaitingDelivery | undefined {
  const { state, queue } = lane;
  const { first } = state.urge;
  if (first === undefined) return undefined;
  const delivery = queue.ordered ? undefined : queue.waiting.find(({ ord }) => ord === first);
  own(lane).state = sought(state, delivery !== undefined);
  if (delivery === undefined || delivery.dueAt > now) return undefined;
  withdraw(queue, first);
  return delivery;
}

// ── What it sends ──────────────────────────────────────────────────────────────────────────────────

/** A caller had a delivery sent again by hand: the lane need not wait with it. */
export function urge(lane: Lane, ord: number): void {
  own(lane).state = urged(lane.state, ord);
}

/**
 * How many deliveries may go now. In order, none goes while another is under way, even if that one went
 * before the lane was ordered.
 */
export function turnOf(lane: Lane, { rules, ordered }: Target, now: number): Turn {
  return ordered && hasUnderWay(lane.queue) ? NEVER : next(lane.state, rules, now);
}

/** A delivery goes. */
export function launch(lane: Lane, { rules }: Target, now: number): void {
  own(lane).state = started(lane.state, rules, now);
}

export interface Landing {
  readonly verdict: Verdict;
  /** Whether the lane was ordered when the delivery went: it counts until `leave` then. */
  readonly ordered: boolean;
  readonly now: number;
  /** In [0, 1). */
  readonly unit: number;
}

/** An attempt came to its end. */
export function land(lane: Lane, { verdict, ordered, now, unit }: Landing): void {
  const { inFlight } = lane.state;
  const after = finished(lane.state, verdict, now, unit);
  own(lane).state = ordered ? { ...after, inFlight } : after;
}

/** The network has been out on our side since then. Returns whether that was held against the destination. */
export function excuse(lane: Lane, since: number): boolean {
  const { state } = lane;
  own(lane).state = excused(state, since);
  return lane.state !== state;
}

/** The clock was put back. What waits in memory is read anew. */
export function moveBack(lane: Lane, byMs: number, now: number): void {
  own(lane).state = movedBack(lane.state, byMs);
  reread(lane.queue, now);
}

/** Counts a delivery that is under way at another node, which had the lane before. */
export function lend(lane: Lane, delivery: WaitingDelivery): void {
  own(lane).state = { ...lane.state, inFlight: lane.state.inFlight + 1 };
  adopt(lane.queue, delivery);
}

/** A delivery that counts as in flight does so no more: it was settled, or never sent. */
export function leave(lane: Lane): void {
  own(lane).state = { ...lane.state, inFlight: lane.state.inFlight - 1 };
}
