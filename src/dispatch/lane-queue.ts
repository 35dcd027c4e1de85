import type { KeyObject } from 'node:crypto';
import type { WaitingDelivery } from '../domain/delivery/delivery.ts';
import { HEALTHY, type LaneRules, type LaneState, newLane, sought, urged } from '../domain/delivery/lane.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';

/** Deliveries of one lane kept in memory; the rest stay in the store until there is room. */
export const LANE_WAITING_MAX = 500;
/** Retries due later than this from now are not kept in memory, unless the lane is ordered. */
export const KEEP_AHEAD_MS = 60_000;

/** A webhook's queue of waiting deliveries as this node holds it. `domain/delivery/lane.ts` has its rules. */
export interface Lane {
  readonly webhookId: string;
  /** Undefined until it has been read, or read again after a change; the lane does not move then. */
  target: Target | undefined;
  /** Whether the webhook was ACTIVE when it was read last; undefined before the first time. */
  wasOpen: boolean | undefined;
  /** How what waits in memory is sorted: as the webhook said when it was read last, also while it is read again. */
  ordered: boolean;
  /** The webhook's version then. */
  version: number;
  state: LaneState;
  /** What waits in memory, the first to go last. */
  readonly waiting: WaitingDelivery[];
  /** Everything in memory by ord: waiting, in flight, or being settled. */
  readonly known: Map<number, WaitingDelivery>;
  /** No delivery outside memory is due before this; Infinity when all are in memory. */
  more: number;
  /** While a read of the lane is under way: the ords settled or changed meanwhile, which it may bring as they were. */
  changedDuringRead: Set<number> | undefined;
  /** When to look at the lane again; Infinity: when something happens. */
  wakeAt: number;
  /** When the timer that is set for it goes off; Infinity when there is none. */
  timerAt: number;
  /** Deliveries waiting in memory, over all lanes of this node. */
  readonly total: { waiting: number };
}

/** What the lane needs to know of its webhook. */
export interface Target {
  readonly webhook: Webhook;
  readonly rules: LaneRules;
  readonly ordered: boolean;
  readonly keys: readonly KeyObject[];
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
    target: undefined,
    wasOpen: undefined,
    ordered: false,
    version: 0,
    state: newLane(HEALTHY, since),
    waiting: [],
    known: new Map(),
    more: Number.POSITIVE_INFINITY,
    changedDuringRead: undefined,
    wakeAt: Number.POSITIVE_INFINITY,
    timerAt: Number.POSITIVE_INFINITY,
    total,
  };
}

/** What a row that the store hands over is to the lane. */
export function judgeRow(lane: Lane, row: WaitingDelivery): 'NEW' | 'SAME' | 'CHANGED' {
  const known = lane.known.get(row.ord);
  if (known === undefined) return 'NEW';
  // It was read, or noted, before the latest attempt was on disk.
  if (row.attempts < known.attempts) return 'SAME';
  const same =
    row.attempts === known.attempts &&
    row.dueAt === known.dueAt &&
    row.attemptsBefore === known.attemptsBefore &&
    row.ending === known.ending;
  return same ? 'SAME' : 'CHANGED';
}

export interface AdmitInput {
  readonly now: number;
  /** Whether the node as a whole has room. */
  readonly room: boolean;
  /** Set for a new arrival while a read of the lane is under way, which may bring earlier ones. */
  readonly overtakes: boolean;
}

/**
 * Takes a new delivery into memory, or leaves it in the store and remembers that there is more; returns
 * whether it was taken. Memory holds the earliest; what lies beyond `more` must not overtake it, or the
 * rows in the store would starve (and an ordered lane would lose its order).
 */
export function admit(lane: Lane, delivery: WaitingDelivery, input: AdmitInput): boolean {
  const { ordered } = lane;
  const isUrged = !ordered && delivery.ord === lane.state.urge.first;
  const inTurn = ordered
    ? lane.more === Number.POSITIVE_INFINITY && !input.overtakes
    : isUrged || delivery.dueAt < lane.more;
  const soon = ordered || delivery.dueAt <= input.now + KEEP_AHEAD_MS;
  // Whether the lane is ordered is not known before its webhook is: then the store keeps the rows.
  const may = input.room && inTurn && soon && lane.target !== undefined;
  if (!may || !makeRoom(lane, delivery, isUrged)) {
    leaveInStore(lane, delivery);
    return false;
  }
  insert(lane, delivery);
  return true;
}

/**
 * Whether there is room for a delivery. In a lane full of what is due later, such as retries, the last of
 * those goes out of memory for it: else it would wait for them. So it does for what is to go first.
 */
function makeRoom(lane: Lane, { dueAt }: WaitingDelivery, goesFirst: boolean): boolean {
  if (lane.waiting.length < LANE_WAITING_MAX) return true;
  const last = lane.waiting[0]!;
  if (lane.ordered || (last.dueAt <= dueAt && !goesFirst)) return false;
  withdraw(lane, last.ord);
  lane.known.delete(last.ord);
  leaveInStore(lane, last);
  return true;
}

/**
 * Takes over what changed from outside in a delivery that is in memory. One that waits takes its new
 * place; one in flight, or being settled, has it once it comes back.
 */
export function amend(lane: Lane, delivery: WaitingDelivery, now: number): void {
  const { ord } = delivery;
  lane.changedDuringRead?.add(ord);
  if (!withdraw(lane, ord)) {
    lane.known.set(ord, delivery);
    return;
  }
  lane.known.delete(ord);
  readmit(lane, delivery, now);
}

/** Puts back what waits for a retry. It is the lane's own, so it is kept however full the lane is. */
export function readmit(lane: Lane, delivery: WaitingDelivery, now: number): void {
  if (lane.ordered || delivery.dueAt <= now + KEEP_AHEAD_MS) insert(lane, delivery);
  else leaveInStore(lane, delivery);
}

/** Whether the first in turn of those in memory is due. */
export function isDue(lane: Lane, now: number): boolean {
  const first = lane.waiting.at(-1);
  return first !== undefined && first.dueAt <= now;
}

/** The next to go, if it is due: what a caller had sent again, and else the first in turn. */
export function takeDue(lane: Lane, now: number): WaitingDelivery | undefined {
  return takeUrged(lane, now) ?? takeFirst(lane, now);
}

function takeUrged(lane: Lane, now: number): WaitingDelivery | undefined {
  const { state, waiting, ordered } = lane;
  const { first } = state.urge;
  if (first === undefined) return undefined;
  const delivery = ordered ? undefined : waiting.find(({ ord }) => ord === first);
  lane.state = sought(state, delivery !== undefined);
  if (delivery === undefined || delivery.dueAt > now) return undefined;
  withdraw(lane, first);
  return delivery;
}

function takeFirst(lane: Lane, now: number): WaitingDelivery | undefined {
  if (!isDue(lane, now)) return undefined;
  lane.total.waiting--;
  return lane.waiting.pop();
}

/** When the first in turn is due, in memory or not; Infinity when nothing waits. */
export function firstDueAt(lane: Lane): number {
  const first = lane.waiting.at(-1)?.dueAt ?? Number.POSITIVE_INFINITY;
  // In an ordered lane the first holds the others back, however long they have been due.
  return lane.ordered && lane.waiting.length > 0 ? first : Math.min(first, lane.more);
}

/** Takes a delivery that waits out of turn; false when it does not wait in memory. */
export function withdraw(lane: Lane, ord: number): boolean {
  const at = lane.waiting.findIndex((delivery) => delivery.ord === ord);
  if (at < 0) return false;
  lane.waiting.splice(at, 1);
  lane.total.waiting--;
  return true;
}

/**
 * Notes whether the lane is ordered. What waits in memory was chosen, and sorted, by what it was before. A
 * lane that is new begins with a read if it is ordered: an arrival can come before a start has listed what
 * waited already.
 */
export function setOrder(lane: Lane, ordered: boolean, now: number): void {
  if (lane.ordered === ordered) return;
  lane.ordered = ordered;
  reread(lane, now);
}

/** Forgets what waits in memory, of which any row may have changed: the store has them all. */
export function reread(lane: Lane, now: number): void {
  for (const { ord } of lane.waiting) lane.known.delete(ord);
  empty(lane);
  lane.more = Math.min(lane.more, now);
}

/** Drops what waits in memory: the webhook is gone. */
export function empty(lane: Lane): void {
  lane.total.waiting -= lane.waiting.length;
  lane.waiting.length = 0;
}

/** Whether the lane ought to be read from the store now: what is due there is sooner than what waits here, or that is little. */
export function wantsRead(lane: Lane, now: number): boolean {
  if (lane.changedDuringRead !== undefined || !lane.target?.rules.open) return false;
  const { waiting, more } = lane;
  if (lane.ordered) return more !== Number.POSITIVE_INFINITY && waiting.length === 0;
  return more <= now && (waiting.length <= LANE_WAITING_MAX / 2 || waiting.at(-1)!.dueAt > now);
}

/** A caller had a delivery sent again by hand: the lane need not wait with it. */
export function urge(lane: Lane, ord: number): void {
  lane.state = urged(lane.state, ord);
}

/** Notes that there may be more in the store, and when it is due. */
export function leaveInStore(lane: Lane, delivery: WaitingDelivery): void {
  lane.more = Math.min(lane.more, delivery.dueAt);
}

function insert(lane: Lane, delivery: WaitingDelivery): void {
  const { waiting, ordered } = lane;
  let low = 0;
  let high = waiting.length;
  // Descending, so that the first in turn is taken off the end.
  while (low < high) {
    const middle = (low + high) >> 1;
    if (precedes(delivery, waiting[middle]!, ordered)) low = middle + 1;
    else high = middle;
  }
  waiting.splice(low, 0, delivery);
  lane.total.waiting++;
  lane.known.set(delivery.ord, delivery);
}

function precedes(a: WaitingDelivery, b: WaitingDelivery, ordered: boolean): boolean {
  if (ordered || a.dueAt === b.dueAt) return a.ord < b.ord;
  return a.dueAt < b.dueAt;
}
