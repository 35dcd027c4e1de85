import type { Clock } from '../domain/clock.ts';
import type { WaitingDelivery } from '../domain/delivery.ts';
import type { Directory } from '../store/directory.ts';
import type { Store, ToppedUp } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import type { Bodies } from './bodies.ts';
import { admit, LANE_WAITING_MAX, type Lane, type Target, wantsRead } from './lane.ts';
import type { Lanes } from './lanes.ts';

/**
 * What the dispatcher asks of the store: which lanes there are, their webhooks, their deliveries and the
 * bodies to send. Wishes are gathered and read many at a time, one read of each kind under way.
 */
export interface Reads {
  wantWebhook(lane: Lane): void;
  /** Tops a lane up, if it needs it. */
  wantDeliveries(lane: Lane, now: number): void;
  wantBody(wish: BodyWish): void;
  /** Takes in what became visible since the last poll. */
  poll(): Promise<void>;
  /** Starts the reads that are wished for. */
  run(): void;
}

/** A delivery whose turn has come and whose body is not at hand. */
export interface BodyWish {
  readonly lane: Lane;
  readonly target: Target;
  readonly delivery: WaitingDelivery;
}

export interface ReadsDeps {
  readonly store: Pick<Store, 'pollWaiting' | 'waitingLanes' | 'topUp' | 'getEventBodies'>;
  readonly directory: Pick<Directory, 'load'>;
  readonly lanes: Lanes;
  readonly bodies: Bodies;
  readonly clock: Clock;
  readonly log: Log;
  readonly wake: () => void;
  /** Ends a delivery that a newer run stands in for. */
  readonly cancel: (lane: Lane, delivery: WaitingDelivery) => void;
  /** Sends a delivery whose body has been read. */
  readonly send: (lane: Lane, target: Target, delivery: WaitingDelivery) => void;
  /** Gives up a delivery whose event is gone: its webhook was removed meanwhile. */
  readonly giveUp: (wish: BodyWish) => void;
}

const LISTED_MAX = 1_000;
const WEBHOOKS_MAX = 200;
const TOP_UPS_MAX = 32;
/** Each body may have a mebibyte. */
const BODIES_MAX = 16;
/** How many deliveries a lane gets when the node has no room: enough for a turn. */
const TURN_MAX = 8;
/** How long to wait after the store refused a read. */
const RETRY_MS = 500;

export function createReads(deps: ReadsDeps): Reads {
  const { store, directory, lanes, bodies, clock, wake } = deps;
  const webhooks = new Set<Lane>();
  const topUps = new Set<Lane>();
  const bodyWishes = new Set<BodyWish>();
  /** Where listing the lanes goes on; undefined once all are known. */
  let listing: { after?: string } | undefined = {};

  const reading = {
    lanes: kind(listLanes),
    webhooks: kind(readWebhooks),
    deliveries: kind(readDeliveries),
    bodies: kind(readBodies),
  };

  /** Runs a read again and again until it finds nothing wished for; one at a time. */
  function kind(read: () => Promise<boolean>): () => void {
    let busy = false;
    return function start(): void {
      if (busy) return;
      busy = true;
      read().then(
        (found) => {
          busy = false;
          if (found) wake();
        },
        (error: unknown) => {
          deps.log.error(
            { reason: (error as Error).message },
            'the dispatcher could not read from the store',
          );
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
    const found = await store.waitingLanes({ ...listing, limit: LISTED_MAX });
    for (const { webhookId, dueAt } of found) {
      const lane = lanes.of(webhookId);
      lane.more = Math.min(lane.more, dueAt);
      lanes.ready(lane);
    }
    listing = found.length === LISTED_MAX ? { after: found.at(-1)!.webhookId } : undefined;
    return found.length > 0;
  }

  async function readWebhooks(): Promise<boolean> {
    const batch = take(webhooks, WEBHOOKS_MAX);
    if (batch.length === 0) return false;
    const found = await orPutBack(webhooks, batch, directory.load(batch.map((lane) => lane.webhookId)));
    for (const [i, lane] of batch.entries()) {
      const webhook = found[i];
      // A lane that changed again meanwhile is wished for again, and is read once more.
      if (webhook === undefined) lanes.drop(lane);
      else lanes.aim(lane, webhook);
      if (webhook !== undefined) lanes.ready(lane);
    }
    return true;
  }

  async function readDeliveries(): Promise<boolean> {
    const batch = take(topUps, TOP_UPS_MAX);
    if (batch.length === 0) return false;
    const room = lanes.hasRoom ? LANE_WAITING_MAX : TURN_MAX;
    const wishes = batch.map((lane) => {
      lane.more = Number.POSITIVE_INFINITY;
      // What is in memory is still in the store, and comes first.
      const limit = room + lane.known.size;
      return { webhookId: lane.webhookId, limit, ordered: lane.target?.ordered ?? false };
    });
    const found = await orPutBack(topUps, batch, store.topUp(wishes));
    for (const [i, lane] of batch.entries()) takeIn(lane, found[i]!);
    return true;
  }

  function takeIn(lane: Lane, found: ToppedUp): void {
    const settled = lane.settledDuringRead;
    lane.settledDuringRead = undefined;
    const now = clock.now();
    for (const delivery of found.deliveries) {
      // It was settled after the store had read it.
      if (settled?.has(delivery.ord)) continue;
      if (delivery.superseded) deps.cancel(lane, delivery);
      else admit(lane, delivery, { now, room: true, overtakes: false });
    }
    if (found.more !== null) lane.more = Math.min(lane.more, found.more);
    lanes.ready(lane);
  }

  async function readBodies(): Promise<boolean> {
    const batch = take(bodyWishes, BODIES_MAX);
    if (batch.length === 0) return false;
    const ids = batch.map(({ delivery }) => delivery.eventId);
    const found = await orPutBack(bodyWishes, batch, store.getEventBodies(ids));
    for (const [i, wish] of batch.entries()) {
      const body = found[i];
      if (body === undefined) {
        deps.giveUp(wish);
        continue;
      }
      bodies.add(body);
      deps.send(wish.lane, wish.target, wish.delivery);
    }
    return true;
  }

  function accept(delivery: WaitingDelivery, now: number): void {
    const lane = lanes.of(delivery.webhookId);
    const overtakes = lane.settledDuringRead !== undefined;
    if (delivery.superseded) deps.cancel(lane, delivery);
    else if (admit(lane, delivery, { now, room: lanes.hasRoom, overtakes }) !== 'KNOWN') lanes.ready(lane);
  }

  return {
    wantWebhook(lane) {
      webhooks.add(lane);
    },
    wantDeliveries(lane, now) {
      if (!wantsRead(lane, now)) return;
      lane.settledDuringRead = new Set();
      topUps.add(lane);
    },
    wantBody(wish) {
      bodyWishes.add(wish);
    },
    async poll() {
      const found = await store.pollWaiting();
      const now = clock.now();
      for (const body of found.events) bodies.add(body);
      for (const delivery of found.deliveries) accept(delivery, now);
      for (const webhookId of found.topUp) {
        const lane = lanes.of(webhookId);
        lane.more = Math.min(lane.more, now);
        lanes.ready(lane);
      }
    },
    run() {
      if (listing !== undefined) reading.lanes();
      if (webhooks.size > 0) reading.webhooks();
      if (topUps.size > 0) reading.deliveries();
      if (bodyWishes.size > 0) reading.bodies();
    },
  };
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

/** What was taken is wished for again when the read fails. */
async function orPutBack<T, R>(wishes: Set<T>, batch: readonly T[], read: Promise<R>): Promise<R> {
  try {
    return await read;
  } catch (error) {
    for (const wish of batch) wishes.add(wish);
    throw error;
  }
}
