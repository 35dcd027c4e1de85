import type { Clock } from '../domain/clock.ts';
import { shardOf } from '../domain/cluster/shard.ts';
import type { WaitingDelivery } from '../domain/delivery/delivery.ts';
import { precedes } from '../domain/delivery/order.ts';
import { createTrouble, troubleFields } from '../domain/trouble.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Directory } from '../store/directory.ts';
import type { Overflowing, Store, Surplus } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import type { Flights } from './flights.ts';
import type { Lane } from './lane.ts';
import type { Lanes } from './lanes.ts';

/**
 * Gives up what waits too much: of lanes that are longer than their webhooks allow, and of the longest where a
 * namespace is full. What was accepted stays on record, FAILED with OVERFLOW, and can be sent again. It goes by
 * the counts of the store, a bounded part at a time, so that a burst is never refused and costs the next no more.
 */
export interface Overflow {
  /** Looks whether anything waits too much, if it is time to, and gives up a part of it. */
  run(): void;
}

export interface OverflowDeps {
  readonly store: Pick<Store, 'overflowing' | 'surplus'>;
  readonly directory: Pick<Directory, 'load'>;
  readonly lanes: Pick<Lanes, 'of'>;
  readonly flights: Pick<Flights, 'giveUpSurplus'>;
  /** Whether this node acts on the lanes of a shard. */
  readonly holds: (shard: number) => boolean;
  /** Called when `run` has something to do. */
  readonly wake: () => void;
  readonly clock: Pick<Clock, 'monotonic'>;
  readonly steady: Pick<Clock, 'now'>;
  readonly log: Log;
}

/** How often to look. A change of a bound takes effect within this time. */
const LOOK_MS = 500;
/** Lanes that overflow at a time, and deliveries that are given up. */
const LANES_MAX = 100;
const BATCH_MAX = 500;

export function createOverflow(deps: OverflowDeps): Overflow {
  const { store, clock, steady, log, wake } = deps;
  const trouble = createTrouble({ now: steady.now, monotonic: clock.monotonic });
  let nextAt = 0;
  let busy = false;

  function later(): void {
    nextAt = clock.monotonic() + LOOK_MS;
  }

  /** Gives up a part. Returns how many deliveries. */
  async function giveUpSome(): Promise<number> {
    const found = await store.overflowing(LANES_MAX);
    const wanted = sharesOf(found.filter(({ webhookId }) => deps.holds(shardOf(webhookId))));
    if (wanted.length === 0) return 0;
    const webhooks = await deps.directory.load(wanted.map(({ webhookId }) => webhookId));
    const lanes = wanted.map(({ webhookId }) => deps.lanes.of(webhookId, steady.now()));
    const asked = wanted.map(({ webhookId, excess }, i) => {
      const { known, waiting } = lanes[i]!.queue;
      // What is in flight, or in retry at the head, is among those found, and is not chosen.
      return { webhookId, limit: excess + 1 + known.size - waiting.length };
    });
    // Read last, so that what this brings is not settled before it is judged.
    const surplus = await store.surplus(asked);
    const ends = wanted.flatMap((overflowing, i) => {
      const webhook = webhooks[i];
      return webhook === undefined ? [] : giveUp(lanes[i]!, webhook, overflowing, surplus[i]!);
    });
    await Promise.all(ends);
    return ends.length;
  }

  /** Gives up what of a lane is too much. Returns the ends of these deliveries. */
  function giveUp(
    lane: Lane,
    webhook: Webhook,
    { excess, bound, of }: Overflowing,
    found: readonly Surplus[],
  ): Promise<void>[] {
    const message =
      of === 'WEBHOOK'
        ? `more than ${bound} deliveries waited for this webhook`
        : `more than ${bound} deliveries waited in the namespace, and most of them for this webhook`;
    const transition = { to: 'FAILED', reason: 'OVERFLOW', message } as const;
    const now = steady.now();
    const head = webhook.effective.limits.ordered ? headInRetry(found) : undefined;
    const ends: Promise<void>[] = [];
    for (const { delivery, eventType, publicEventId } of found) {
      if (ends.length === excess) break;
      if (delivery === head) continue;
      const event = { type: eventType, publicId: publicEventId };
      const end = deps.flights.giveUpSurplus(lane, { webhook, event, delivery, transition, now });
      if (end !== undefined) ends.push(end);
    }
    if (ends.length > 0) {
      const { namespace, id: webhookId } = webhook;
      log.warn({ namespace, webhookId, deliveries: ends.length, bound }, `deliveries given up: ${message}`);
    }
    return ends;
  }

  return {
    run() {
      if (busy || clock.monotonic() < nextAt) return;
      busy = true;
      giveUpSome().then(
        (count) => {
          busy = false;
          const over = trouble.isOver();
          if (over !== undefined) log.info(troubleFields(over), 'what waits too much can be given up again');
          if (count === 0) later();
          else wake();
        },
        (error: unknown) => {
          busy = false;
          later();
          const reason = (error as Error).message;
          const told = trouble.failed(reason);
          if (told !== undefined) {
            log.error({ reason, ...troubleFields(told) }, 'what waits too much could not be given up');
          }
        },
      );
    },
  };
}

/** What of an ordered lane is to be tried again before all others, if anything was tried. */
function headInRetry(found: readonly Surplus[]): WaitingDelivery | undefined {
  let head: WaitingDelivery | undefined;
  for (const { delivery } of found) {
    const isInRetry = delivery.attempts > delivery.attemptsBefore;
    if (isInRetry && (head === undefined || precedes(delivery, head))) head = delivery;
  }
  return head;
}

/** As much of each as a batch has room for. */
function sharesOf(lanes: readonly Overflowing[]): Overflowing[] {
  let left = BATCH_MAX;
  return lanes.flatMap((lane) => {
    const excess = Math.min(lane.excess, left);
    left -= excess;
    return excess > 0 ? [{ ...lane, excess }] : [];
  });
}
