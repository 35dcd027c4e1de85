/**
 * How many deliveries may wait, in all and in one namespace. Events are refused beyond the bound of all. Beyond that of
 * a namespace, or of a webhook, they are taken, and the longest lanes overflow (`overflow.ts`).
 */
export interface WaitingBounds {
  readonly waitingMax: number;
  readonly namespaceWaitingMax: number;
}

/** What applies where nothing else is configured. */
export const WAITING_BOUNDS: WaitingBounds = { waitingMax: 10_000_000, namespaceWaitingMax: 1_000_000 };

/** How many deliveries wait now, as whoever inserts more of them knows. */
export interface Waiting {
  readonly total: () => number;
  readonly of: (namespace: string) => number;
  /** In one lane. */
  readonly in: (lane: CountedLane) => number;
}

/** A lane by the key of its webhook. */
export interface CountedLane {
  readonly key: number;
  readonly namespace: string;
}

/** One that deliveries are inserted into. */
export interface BoundedLane extends CountedLane {
  /** How many deliveries may wait for it. */
  readonly waitingMax: number;
}

/**
 * Whether there is room for so many deliveries of an event. Runs and triggers always have room: a schedule could
 * not publish a refused run again later, as whoever publishes events can. So has an event without deliveries.
 *
 * Every store asks this inside the transaction that inserts, so that two arrivals cannot share one place.
 */
export function hasRoom(
  { deliveries, run }: { readonly deliveries: number; readonly run: boolean },
  waiting: Pick<Waiting, 'total'>,
  { waitingMax }: Pick<WaitingBounds, 'waitingMax'>,
): boolean {
  return run || deliveries === 0 || waiting.total() + deliveries <= waitingMax;
}

/** Whether there is room for one more delivery of a replay or a backfill, which stops where there is none. */
export function hasRoomAgain(lane: BoundedLane, waiting: Waiting, bounds: WaitingBounds): boolean {
  return hasRoom({ deliveries: 1, run: false }, waiting, bounds) && !isFull(lane, waiting, bounds);
}

/** Whether one more delivery of a lane would make it overflow, or its namespace. */
export function isFull(
  lane: BoundedLane,
  waiting: Pick<Waiting, 'of' | 'in'>,
  { namespaceWaitingMax }: Pick<WaitingBounds, 'namespaceWaitingMax'>,
): boolean {
  return waiting.of(lane.namespace) >= namespaceWaitingMax || waiting.in(lane) >= lane.waitingMax;
}
