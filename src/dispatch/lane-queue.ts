import type { WaitingDelivery } from '../domain/delivery/delivery.ts';
import { FIRST_PLACE, LAST_PLACE, type Place, precedes } from '../domain/delivery/order.ts';

/** Deliveries of one lane kept in memory; the rest stay in the store until there is room. */
export const LANE_WAITING_MAX = 500;
/** Retries due later than this from now are not kept in memory, unless the lane is ordered. */
export const KEEP_AHEAD_MS = 60_000;

/**
 * The deliveries of one lane that are in memory. Only the functions of this file write a queue; to others
 * its fields are readonly.
 *
 * Invariants:
 * - `waiting` is sorted: by time when due, or by place in an ordered lane; the first in turn is the last
 *   of the array.
 * - `known` holds all that `waiting` does, and what is in flight or being settled.
 * - No delivery outside memory is due before `more`, nor has its place before `outside`. In an ordered lane
 *   nothing goes whose place is after that: it is read first.
 * - `total.waiting` is the number of those waiting over all queues that share it.
 * - From the wish for a read until what it brought has been taken in, `changedDuringRead` holds the ords of
 *   all that were settled or changed meanwhile: the read may bring them as they were before.
 */
export interface LaneQueue {
  /** How `waiting` is sorted: as the webhook said when it was read last, also while it is read again. */
  readonly ordered: boolean;
  readonly waiting: readonly WaitingDelivery[];
  readonly known: ReadonlyMap<number, WaitingDelivery>;
  /** Infinity when all are in memory. */
  readonly more: number;
  readonly outside: Place;
  /** The same of what was left outside since the latest read began, which the read may not bring. */
  readonly outsideSince: Place;
  /** Undefined while no read is wished for or under way. */
  readonly changedDuringRead: ReadonlySet<number> | undefined;
  readonly total: { readonly waiting: number };
}

interface OwnQueue extends LaneQueue {
  ordered: boolean;
  readonly waiting: WaitingDelivery[];
  readonly known: Map<number, WaitingDelivery>;
  more: number;
  outside: Place;
  outsideSince: Place;
  changedDuringRead: Set<number> | undefined;
  readonly total: { waiting: number };
}

/** The one place where what is readonly to others becomes writable. */
function own(queue: LaneQueue): OwnQueue {
  return queue as OwnQueue;
}

export function emptyQueue(total: { waiting: number }): LaneQueue {
  const queue: OwnQueue = {
    ordered: false,
    waiting: [],
    known: new Map(),
    more: Number.POSITIVE_INFINITY,
    outside: LAST_PLACE,
    outsideSince: LAST_PLACE,
    changedDuringRead: undefined,
    total,
  };
  return queue;
}

// ── Into memory ────────────────────────────────────────────────────────────────────────────────────

/** What a row that the store hands over is to the queue. */
export function judgeRow(queue: LaneQueue, row: WaitingDelivery): 'NEW' | 'SAME' | 'CHANGED' {
  const known = queue.known.get(row.ord);
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

export interface EnqueueInput {
  readonly now: number;
  /** Whether there is room for it beside the other lanes. */
  readonly room: boolean;
  /** Set for a new arrival while a read of the lane is under way, which may bring earlier ones. */
  readonly overtakes: boolean;
  /** Whether it goes before all others. */
  readonly goesFirst: boolean;
}

/**
 * Takes a new delivery into memory, or leaves it in the store and remembers that there is more; returns
 * whether it was taken. Memory holds the earliest; what lies beyond `more`, or `outside` in an ordered lane, must
 * not overtake it, or the rows in the store would starve (and an ordered lane would lose its order).
 */
export function enqueue(queue: LaneQueue, delivery: WaitingDelivery, input: EnqueueInput): boolean {
  const { ordered, more, outside } = queue;
  const inTurn = ordered
    ? precedes(delivery, outside) && !input.overtakes
    : input.goesFirst || delivery.dueAt < more;
  const soon = ordered || delivery.dueAt <= input.now + KEEP_AHEAD_MS;
  if (!input.room || !inTurn || !soon || !makeRoom(queue, delivery, input.goesFirst)) {
    leaveInStore(queue, delivery);
    return false;
  }
  insert(queue, delivery);
  return true;
}

/**
 * Whether there is room for a delivery. In a lane full of what is due later, such as retries, the last of
 * those is dropped from memory for one that is due sooner, or is to go first, so that this one need not
 * wait for them; in an ordered lane full of what is delayed, for one that has its place before.
 */
function makeRoom(queue: LaneQueue, delivery: WaitingDelivery, goesFirst: boolean): boolean {
  if (queue.waiting.length < LANE_WAITING_MAX) return true;
  const last = queue.waiting[0]!;
  const isLater = queue.ordered ? precedes(delivery, last) : delivery.dueAt < last.dueAt || goesFirst;
  if (!isLater) return false;
  withdraw(queue, last.ord);
  own(queue).known.delete(last.ord);
  leaveInStore(queue, last);
  return true;
}

/** Puts back what waits for a retry. It is the lane's own, so it is kept however full the lane is. */
export function readmit(queue: LaneQueue, delivery: WaitingDelivery, now: number): void {
  if (queue.ordered || delivery.dueAt <= now + KEEP_AHEAD_MS) insert(queue, delivery);
  else leaveInStore(queue, delivery);
}

/** Notes that a delivery is in the store, and not in memory. */
export function leaveInStore(queue: LaneQueue, delivery: WaitingDelivery): void {
  leaveMoreInStore(queue, delivery.dueAt, delivery);
}

/** Notes that there may be more in the store, due at that time or later, with that place or one after it. */
export function leaveMoreInStore(queue: LaneQueue, dueAt: number, place: Place = FIRST_PLACE): void {
  const mine = own(queue);
  mine.more = Math.min(queue.more, dueAt);
  if (precedes(place, queue.outside)) mine.outside = place;
  if (precedes(place, queue.outsideSince)) mine.outsideSince = place;
}

function insert(queue: LaneQueue, delivery: WaitingDelivery): void {
  const { waiting, known, total, ordered } = own(queue);
  let low = 0;
  let high = waiting.length;
  // Descending, so that the first in turn is taken off the end.
  while (low < high) {
    const middle = (low + high) >> 1;
    if (goesBefore(delivery, waiting[middle]!, ordered)) low = middle + 1;
    else high = middle;
  }
  waiting.splice(low, 0, delivery);
  total.waiting++;
  known.set(delivery.ord, delivery);
}

function goesBefore(a: WaitingDelivery, b: WaitingDelivery, ordered: boolean): boolean {
  if (ordered) return precedes(a, b);
  return a.dueAt === b.dueAt ? a.ord < b.ord : a.dueAt < b.dueAt;
}

// ── Out of it ──────────────────────────────────────────────────────────────────────────────────────

/** The first in turn; undefined when it is not in memory, as far as is known. */
function firstInTurn({ waiting, ordered, outside }: LaneQueue): WaitingDelivery | undefined {
  const first = waiting.at(-1);
  return first !== undefined && ordered && precedes(outside, first) ? undefined : first;
}

/** Whether there is something to go in memory, now or later. */
export function hasFirst(queue: LaneQueue): boolean {
  return firstInTurn(queue) !== undefined;
}

/** Whether the first in turn is in memory, and due. */
export function isDue(queue: LaneQueue, now: number): boolean {
  const first = firstInTurn(queue);
  return first !== undefined && first.dueAt <= now;
}

/** When the first in turn is due, in memory or not; Infinity when nothing waits. */
export function firstDueAt(queue: LaneQueue): number {
  const first = firstInTurn(queue);
  if (first === undefined) return queue.more;
  // In an ordered lane the first holds the others back, however long they have been due.
  return queue.ordered ? first.dueAt : Math.min(first.dueAt, queue.more);
}

/**
 * The earliest that any of the lane's deliveries can be due, whatever order its webhook says next. In an
 * ordered lane, what lies behind the first can be due before it, and nothing is known of what is in the store.
 */
export function earliestDueAt(queue: LaneQueue): number {
  const { ordered, waiting, more } = queue;
  if (!ordered) return firstDueAt(queue);
  if (more !== Number.POSITIVE_INFINITY) return 0;
  let earliest = more;
  for (const { dueAt } of waiting) if (dueAt < earliest) earliest = dueAt;
  return earliest;
}

/** Whether any of the lane's deliveries is in flight, or is being settled. */
export function hasUnderWay({ known, waiting }: LaneQueue): boolean {
  return known.size > waiting.length;
}

/** Notes a delivery that is under way, and not in memory. */
export function adopt(queue: LaneQueue, delivery: WaitingDelivery): void {
  withdraw(queue, delivery.ord);
  own(queue).known.set(delivery.ord, delivery);
}

/** What is in flight, or is being settled, as it is known. */
export function underWay({ known, waiting }: LaneQueue): WaitingDelivery[] {
  const resting = new Set(waiting.map(({ ord }) => ord));
  return [...known.values()].filter(({ ord }) => !resting.has(ord));
}

/** Takes the first in turn, if it is due. It stays known until it is settled. */
export function takeFirst(queue: LaneQueue, now: number): WaitingDelivery | undefined {
  if (!isDue(queue, now)) return undefined;
  const { waiting, total } = own(queue);
  total.waiting--;
  return waiting.pop();
}

/** Takes a delivery that waits out of turn; false when it does not wait in memory. */
export function withdraw(queue: LaneQueue, ord: number): boolean {
  const { waiting, total } = own(queue);
  const at = waiting.findIndex((delivery) => delivery.ord === ord);
  if (at < 0) return false;
  waiting.splice(at, 1);
  total.waiting--;
  return true;
}

/** A settlement is on disk: its delivery is known no more. Returns it as it was known last. */
export function forget(queue: LaneQueue, delivery: WaitingDelivery): WaitingDelivery {
  const { known, changedDuringRead } = own(queue);
  const latest = known.get(delivery.ord) ?? delivery;
  known.delete(delivery.ord);
  changedDuringRead?.add(delivery.ord);
  return latest;
}

// ── Changes ────────────────────────────────────────────────────────────────────────────────────────

/**
 * Takes over what changed from outside in a delivery that is in memory. One that waits takes its new
 * place; one in flight, or being settled, has it once it comes back.
 */
export function amend(queue: LaneQueue, delivery: WaitingDelivery, now: number): void {
  const { known, changedDuringRead } = own(queue);
  changedDuringRead?.add(delivery.ord);
  if (!withdraw(queue, delivery.ord)) {
    known.set(delivery.ord, delivery);
    return;
  }
  known.delete(delivery.ord);
  readmit(queue, delivery, now);
}

/**
 * Takes a delivery that is to be given up out of turn. Returns false when it is in flight or being settled:
 * then it is given up once it comes back.
 */
export function setAside(queue: LaneQueue, delivery: WaitingDelivery): boolean {
  const { known, changedDuringRead } = own(queue);
  const isUnderWay = known.has(delivery.ord) && !withdraw(queue, delivery.ord);
  changedDuringRead?.add(delivery.ord);
  known.set(delivery.ord, delivery);
  return !isUnderWay;
}

/**
 * Notes whether the lane is ordered. What waits in memory was chosen, and sorted, by what it was before. A
 * lane that is new begins with a read if it is ordered: an arrival can come before a start has listed what
 * waited already.
 */
export function setOrder(queue: LaneQueue, ordered: boolean, now: number): void {
  if (queue.ordered === ordered) return;
  own(queue).ordered = ordered;
  reread(queue, now);
}

/** Forgets what waits in memory, of which any row may have changed: the store has them all. */
export function reread(queue: LaneQueue, now: number): void {
  for (const { ord } of queue.waiting) own(queue).known.delete(ord);
  empty(queue);
  leaveMoreInStore(queue, now);
}

/** Drops what waits, wherever it is: the webhook is gone. */
export function abandon(queue: LaneQueue): void {
  empty(queue);
  const mine = own(queue);
  mine.more = Number.POSITIVE_INFINITY;
  mine.outside = LAST_PLACE;
  mine.outsideSince = LAST_PLACE;
}

function empty(queue: LaneQueue): void {
  const { waiting, total } = own(queue);
  total.waiting -= waiting.length;
  waiting.length = 0;
}

// ── Reads ──────────────────────────────────────────────────────────────────────────────────────────

/**
 * Whether the queue ought to be read from the store now: what is due there is due sooner than what waits
 * here, or little waits here.
 */
export function wantsRead(queue: LaneQueue, now: number): boolean {
  const { waiting, more, ordered, changedDuringRead } = queue;
  if (changedDuringRead !== undefined) return false;
  if (ordered) return more !== Number.POSITIVE_INFINITY && !hasFirst(queue);
  return more <= now && (waiting.length <= LANE_WAITING_MAX / 2 || waiting.at(-1)!.dueAt > now);
}

/** A read is wished for. */
export function expectRead(queue: LaneQueue): void {
  own(queue).changedDuringRead = new Set();
}

/**
 * The read begins. What is found outside memory from now on is noted by `more` anew. `outside` stays until the end,
 * since what the read brings may go before all that is in memory.
 */
export function beginRead(queue: LaneQueue): void {
  const mine = own(queue);
  mine.more = Number.POSITIVE_INFINITY;
  mine.outsideSince = LAST_PLACE;
}

const NONE: ReadonlySet<number> = new Set();

/** The read is over. Returns those of which it may have brought an old row, which must not be taken in. */
export function endRead(queue: LaneQueue): ReadonlySet<number> {
  const changed = queue.changedDuringRead ?? NONE;
  const mine = own(queue);
  mine.changedDuringRead = undefined;
  mine.outside = queue.outsideSince;
  return changed;
}
