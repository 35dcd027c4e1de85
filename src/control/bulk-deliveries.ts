import type { Claim } from '../domain/claim.ts';
import type { Delivery, DeliveryState } from '../domain/delivery/delivery.ts';
import type { Condition } from '../domain/listing/condition.ts';
import type { DeliveryOrder } from '../store/store.ts';
import type { Needs } from './deps.ts';
import { listDeliveries } from './list.ts';
import { limitOf } from './retry.ts';

/** How many deliveries one call looks at, about; the proto file says so too. */
const BULK_LOOKED_MAX = 10_000;
/** How many are read, and ordered, at a time at most, so that nothing else waits for long. */
const BATCH_ROWS = 500;

/** What is wanted of many things. */
export interface BulkOrder {
  readonly namespace: string;
  readonly where: Condition | undefined;
  /** Count only. */
  readonly validateOnly: boolean;
  /** Where the call before ended. */
  readonly from: string | undefined;
}

export interface Bulk {
  readonly count: number;
  /** How many of these do not go yet, because another goes before them in an ordered webhook. */
  readonly waiting: number;
  /** How many were passed over, because as much waits with them as may. */
  readonly full: number;
  /** Where to go on; undefined when that was all. */
  readonly next: string | undefined;
}

type ListDeps = Needs<'scanDeliveries' | 'resolveWebhooks' | 'resolveEvents', 'clock'>;

/**
 * Sends deliveries again, oldest first. What SUCCEEDED, or cannot be sent again, is not counted. Stops between two
 * batches when the caller is gone; what was done is done. The same claim again goes on with what is left; its count
 * is of that.
 */
export function retryDeliveries(
  deps: ListDeps & Needs<'retryDeliveries'>,
  order: BulkOrder,
  signal: AbortSignal,
  claim?: Claim,
): Promise<Bulk> {
  const states = ['PENDING', 'FAILED', 'CANCELLED'] as const;
  const limit = limitOf(claim);
  return forEach(deps, order, states, signal, async (orders) => {
    const results = await deps.store.retryDeliveries(orders.map((each) => ({ ...each, ...limit })));
    const waiting = results.filter((result) => result === 'WAITING').length;
    const full = results.filter((result) => result === 'FULL').length;
    return { count: results.filter((result) => result === 'RETRIED').length + waiting, waiting, full };
  });
}

/** Gives up deliveries that are PENDING, in the same way. */
export function cancelDeliveries(
  deps: ListDeps & Needs<'cancelDeliveries'>,
  order: BulkOrder,
  signal: AbortSignal,
): Promise<Bulk> {
  return forEach(deps, order, ['PENDING'], signal, async (orders) => {
    const results = await deps.store.cancelDeliveries(orders);
    return { count: results.filter((result) => result === 'CANCELLING').length, waiting: 0, full: 0 };
  });
}

/** Orders something of what is found in these states, up to the bound. `act` returns for how many it was done. */
async function forEach(
  deps: ListDeps,
  { namespace, where, validateOnly, from }: BulkOrder,
  states: readonly DeliveryState[],
  signal: AbortSignal,
  act: (orders: readonly DeliveryOrder[]) => Promise<Omit<Bulk, 'next'>>,
): Promise<Bulk> {
  const inState: Condition = {
    kind: 'test',
    field: 'state',
    not: false,
    is: { kind: 'oneOf', values: states },
  };
  const wanted: Condition = where === undefined ? inState : { kind: 'and', of: [where, inState] };
  const read = await listDeliveries(deps, { namespace, where: wanted, descending: false });
  let count = 0;
  let waiting = 0;
  let full = 0;
  let looked = 0;
  let place = from;
  for (;;) {
    signal.throwIfAborted();
    const part = await read(place, Math.min(BATCH_ROWS, BULK_LOOKED_MAX - looked));
    if (validateOnly) {
      count += part.rows.length;
    } else if (part.rows.length > 0) {
      const done = await act(ordersOf(part.rows, deps.clock.now()));
      count += done.count;
      waiting += done.waiting;
      full += done.full;
    }
    if (part.next === null) return { count, waiting, full, next: undefined };
    place = part.next;
    looked += part.looked;
    if (looked >= BULK_LOOKED_MAX) return { count, waiting, full, next: place };
  }
}

function ordersOf(deliveries: readonly Delivery[], now: number): DeliveryOrder[] {
  return deliveries.map(({ namespace, id }) => ({ namespace, id, now }));
}
