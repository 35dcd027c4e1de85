import type { Clock } from '../domain/clock.ts';
import { shardOf } from '../domain/cluster/shard.ts';
import type { WaitingDelivery } from '../domain/delivery/delivery.ts';
import { FIRST_PLACE, type Place } from '../domain/delivery/order.ts';
import { createTrouble, troubleFields } from '../domain/trouble.ts';
import type { Directory } from '../store/directory.ts';
import type { PollQuery, Store, ToppedUp, WaitingPoll } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import type { Bodies } from './bodies.ts';
import type { Finished } from './finished.ts';
import type { Flights } from './flights.ts';
import { type Arrival, admit, type Flight, type Lane, lacksDeliveries, urge } from './lane.ts';
import {
  amend,
  beginRead,
  endRead,
  expectRead,
  judgeRow,
  LANE_WAITING_MAX,
  leaveInStore,
  leaveMoreInStore,
  reread,
} from './lane-queue.ts';
import type { Lanes } from './lanes.ts';
import { type LateFlight, renderLate } from './late-rendering.ts';

/**
 * What the dispatcher reads from the store: which lanes there are, their webhooks, their deliveries and the
 * bodies to send. Wishes are gathered and read many at a time, with one read of each kind under way.
 */
export interface Reads {
  wantWebhook(lane: Lane): void;
  /** The lane's webhook has changed: one that is being read just now is read once more. */
  changed(lane: Lane): void;
  /** Reads more deliveries of a lane, if it needs them. */
  wantDeliveries(lane: Lane, now: number): void;
  /** Reads the body of a flight, and what was rendered for it, and then sends it. */
  wantContents(flight: Flight): void;
  /** Takes in what became visible in these shards since the poll before. */
  poll(query: PollQuery): Promise<WaitingPoll>;
  /** Reads which lanes there are in these shards, which were not owned before. */
  list(shards: Iterable<number>): void;
  /** Starts the reads that were asked for. */
  run(): void;
}

export interface ReadsDeps {
  readonly store: Pick<
    Store,
    'pollWaiting' | 'waitingLanes' | 'topUp' | 'getEventBodies' | 'getRendered' | 'keepMade'
  >;
  readonly directory: Pick<Directory, 'load'>;
  readonly lanes: Lanes;
  /** Whether this node acts on the lanes of a shard. */
  readonly holds: (shard: number) => boolean;
  readonly bodies: Bodies;
  readonly clock: Clock;
  readonly log: Log;
  readonly wake: () => void;
  readonly flights: Pick<Flights, 'send' | 'fail' | 'giveUp' | 'cancel'>;
  readonly finished: Pick<Finished, 'has' | 'pollBegins' | 'pollEnds'>;
}

const LISTED_MAX = 1_000;
const WEBHOOKS_MAX = 200;
const TOP_UPS_MAX = 32;
/** Each may have a mebibyte of body, and another that was rendered. */
const CONTENTS_MAX = 32;
/** How many deliveries a lane gets when the node has no room: enough for a turn. */
const TURN_MAX = 8;
/** How long to wait after the store refused a read. */
const RETRY_MS = 500;

export function createReads(deps: ReadsDeps): Reads {
  const { store, directory, lanes, bodies, flights, finished, clock, log, wake } = deps;
  const webhooks = new Set<Lane>();
  /** Lanes whose webhooks are being read, and have not changed since. */
  const aiming = new Set<Lane>();
  const topUps = new Set<Lane>();
  const awaited = new Set<Flight>();
  /** In which shards lanes are being listed, and where that goes on; undefined once all are known. */
  let listing: { readonly shards: Set<number>; after?: string } | undefined;

  const reading = {
    lanes: kind(listLanes),
    webhooks: kind(readWebhooks),
    deliveries: kind(readDeliveries),
    contents: kind(readContents),
  };

  /** Makes a read of one kind: it runs once at a time, and the dispatcher is woken when it brought anything. */
  function kind(read: () => Promise<boolean>): () => void {
    let busy = false;
    const trouble = createTrouble(clock);
    return function start(): void {
      if (busy) return;
      busy = true;
      read().then(
        (found) => {
          busy = false;
          const over = trouble.isOver();
          if (over !== undefined)
            log.info(troubleFields(over), 'the dispatcher can read from the store again');
          if (found) wake();
        },
        (error: unknown) => {
          const reason = (error as Error).message;
          const told = trouble.failed(reason);
          if (told !== undefined) {
            log.error({ reason, ...troubleFields(told) }, 'the dispatcher could not read from the store');
          }
          setTimeout(() => {
            busy = false;
            wake();
          }, RETRY_MS).unref();
        },
      );
    };
  }

  async function listLanes(): Promise<boolean> {
    if (listing === undefined) return false;
    const { shards, after } = listing;
    const begun = listing;
    const found = await store.waitingLanes({ ...(after !== undefined && { after }), limit: LISTED_MAX });
    // More shards were taken meanwhile: it begins anew.
    if (listing !== begun) return true;
    for (const { webhookId, dueAt } of found) {
      const shard = shardOf(webhookId);
      if (!shards.has(shard) || !deps.holds(shard)) continue;
      const lane = lanes.of(webhookId, clock.now());
      leaveMoreInStore(lane.queue, dueAt);
      lanes.ready(lane);
    }
    listing = found.length === LISTED_MAX ? { shards, after: found.at(-1)!.webhookId } : undefined;
    return found.length > 0;
  }

  async function readWebhooks(): Promise<boolean> {
    const batch = take(webhooks, WEBHOOKS_MAX);
    if (batch.length === 0) return false;
    for (const lane of batch) aiming.add(lane);
    const found = await orPutBack(webhooks, batch, directory.load(batch.map((lane) => lane.webhookId)));
    for (const [i, lane] of batch.entries()) {
      const webhook = found[i];
      // If the webhook changed meanwhile, this may be as it was before; it will be read once more.
      if (!aiming.delete(lane)) continue;
      if (webhook === undefined) lanes.drop(lane);
      else lanes.aim(lane, webhook, clock.now());
      if (webhook !== undefined) lanes.ready(lane);
    }
    return true;
  }

  async function readDeliveries(): Promise<boolean> {
    const batch = take(topUps, TOP_UPS_MAX);
    if (batch.length === 0) return false;
    const room = lanes.hasRoom ? LANE_WAITING_MAX : TURN_MAX;
    const wishes = batch.map(({ webhookId, queue }) => {
      beginRead(queue);
      // The rows of what is in memory are still in the store, and come first.
      const limit = room + queue.known.size;
      return { webhookId, limit, ordered: queue.ordered };
    });
    const found = await orPutBack(topUps, batch, store.topUp(wishes));
    for (const [i, lane] of batch.entries()) takeIn(lane, found[i]!);
    return true;
  }

  function takeIn(lane: Lane, found: ToppedUp): void {
    const changed = endRead(lane.queue);
    if (!lanes.isCurrent(lane)) return;
    const now = clock.now();
    for (const delivery of found.deliveries) {
      // One that was settled or changed after the store had read it is not as this read says.
      if (!changed.has(delivery.ord)) accept(lane, delivery, { now, room: true, overtakes: false });
    }
    if (found.more !== null) leaveMoreInStore(lane.queue, found.more, after(found.deliveries.at(-1)));
    lanes.ready(lane);
  }

  /** Reads each event once, however many of the flights are of it. */
  async function readContents(): Promise<boolean> {
    const batch = take(awaited, CONTENTS_MAX);
    if (batch.length === 0) return false;
    const held = new Map(batch.map(({ delivery }) => [delivery.eventId, bodies.get(delivery.eventId)]));
    const missing = [...held.keys()].filter((id) => held.get(id) === undefined);
    const renderedIds = batch.flatMap(({ delivery }) => (delivery.rendered ? [delivery.id] : []));
    const [events, renderings] = await orPutBack(
      awaited,
      batch,
      Promise.all([
        missing.length > 0 ? store.getEventBodies(missing) : [],
        renderedIds.length > 0 ? store.getRendered(renderedIds) : [],
      ]),
    );
    for (const event of events) if (event !== undefined) held.set(event.id, bodies.add(event));
    const rendered = new Map(renderedIds.map((id, i) => [id, renderings[i]]));
    const late: LateFlight[] = [];
    for (const flight of batch) {
      const { id, eventId } = flight.delivery;
      const event = held.get(eventId);
      const made = rendered.get(id);
      if (event === undefined || (flight.delivery.rendered && made === undefined)) flights.giveUp(flight);
      else if (flight.delivery.toRender) late.push({ flight, held: event });
      else flights.send(flight, event, made);
    }
    await orPutBack(
      awaited,
      late.map(({ flight }) => flight),
      renderLate(late, deps),
    );
    return true;
  }

  /** Takes in a row that the store hands over. Returns whether the lane has something to do because of it. */
  function accept(lane: Lane, delivery: WaitingDelivery, input: Arrival): boolean {
    const kind = judgeRow(lane.queue, delivery);
    if (kind === 'SAME') return false;
    if (delivery.ending !== undefined) {
      flights.cancel(lane, delivery);
      return false;
    }
    if (kind === 'CHANGED') amend(lane.queue, delivery, input.now);
    else if (admit(lane, delivery, input)) bodies.hold(delivery.eventId);
    return true;
  }

  return {
    wantWebhook(lane) {
      webhooks.add(lane);
    },
    changed(lane) {
      if (aiming.delete(lane)) webhooks.add(lane);
    },
    wantDeliveries(lane, now) {
      if (!lacksDeliveries(lane, now)) return;
      expectRead(lane.queue);
      topUps.add(lane);
    },
    wantContents(flight) {
      awaited.add(flight);
    },
    list(shards) {
      listing = { shards: new Set([...(listing?.shards ?? []), ...shards]) };
    },
    async poll(query) {
      finished.pollBegins();
      const found = await store.pollWaiting(query);
      const now = clock.now();
      for (const body of found.events) bodies.add(body);
      // Before the rows are taken in: that of a delivery that goes first is taken however full its lane is.
      for (const { webhookId, ord } of found.retried) {
        if (!deps.holds(shardOf(webhookId))) continue;
        const lane = lanes.of(webhookId, now);
        urge(lane, ord);
        lanes.ready(lane);
      }
      for (const delivery of found.deliveries) {
        if (!deps.holds(shardOf(delivery.webhookId))) continue;
        const lane = lanes.of(delivery.webhookId, now);
        const overtakes = lane.queue.changedDuringRead !== undefined;
        // This is either the row of before its end, or a caller had it sent again: the store knows which.
        if (finished.has(delivery.ord)) leaveInStore(lane.queue, delivery);
        else if (!accept(lane, delivery, { now, room: lanes.hasRoom, overtakes })) continue;
        lanes.ready(lane);
      }
      finished.pollEnds();
      for (const webhookId of found.topUp) {
        if (!deps.holds(shardOf(webhookId))) continue;
        const lane = lanes.of(webhookId, now);
        reread(lane.queue, now);
        lanes.ready(lane);
      }
      return found;
    },
    run() {
      if (listing !== undefined) reading.lanes();
      if (webhooks.size > 0) reading.webhooks();
      if (topUps.size > 0) reading.deliveries();
      if (awaited.size > 0) reading.contents();
    },
  };
}

/** The first place after this delivery's. */
function after(last: WaitingDelivery | undefined): Place {
  return last === undefined ? FIRST_PLACE : { firstDueAt: last.firstDueAt, ord: last.ord + 1 };
}

function take<T>(wishes: Set<T>, max: number): T[] {
  const taken: T[] = [];
  for (const wish of wishes) {
    if (taken.length === max) break;
    wishes.delete(wish);
    taken.push(wish);
  }
  return taken;
}

/** Puts back what was taken when the read fails, so that it is read again. */
async function orPutBack<T, R>(wishes: Set<T>, batch: readonly T[], read: Promise<R>): Promise<R> {
  try {
    return await read;
  } catch (error) {
    for (const wish of batch) wishes.add(wish);
    throw error;
  }
}
