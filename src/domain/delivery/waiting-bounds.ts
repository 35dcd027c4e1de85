/**
 * How many deliveries may wait, in all and in one namespace. Beyond that, events are refused until some of
 * what waits is settled.
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
}

/** Deliveries that are to be inserted. */
export interface Arrival {
  /** The webhook of each. */
  readonly webhooks: readonly { readonly namespace: string }[];
  /** They are a run or a trigger. */
  readonly run: boolean;
}

/**
 * The bound that an arrival would exceed; undefined when there is room for it. Runs and triggers always have
 * room: a schedule could not publish a refused run again later, as whoever publishes events can. So has an
 * event without deliveries.
 *
 * Every store asks this inside the transaction that inserts, so that two arrivals cannot share one place.
 */
export function exceededBound(
  { webhooks, run }: Arrival,
  waiting: Waiting,
  { waitingMax, namespaceWaitingMax }: WaitingBounds,
): 'ALL' | 'NAMESPACE' | undefined {
  if (run || webhooks.length === 0) return undefined;
  if (waiting.total() + webhooks.length > waitingMax) return 'ALL';
  // Nearly always all of one namespace.
  const counts = new Map<string, number>();
  for (const { namespace } of webhooks) counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  for (const [namespace, count] of counts) {
    if (waiting.of(namespace) + count > namespaceWaitingMax) return 'NAMESPACE';
  }
  return undefined;
}
