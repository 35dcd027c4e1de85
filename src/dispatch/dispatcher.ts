import { type Clock, steadyClock } from '../domain/clock.ts';
import { fairShare } from '../domain/delivery/lane.ts';
import type { Random } from '../domain/random.ts';
import type { CredentialsOf } from '../domain/webhook/credentials.ts';
import type { OperationalEvent } from '../domain/webhook/operational.ts';
import type { KeysOf } from '../domain/webhook/signature.ts';
import type { Sender } from '../outbound/sender.ts';
import type { Directory } from '../store/directory.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { createBodies } from './bodies.ts';
import { createFinished } from './finished.ts';
import { createFlights } from './flights.ts';
import { type Lane, loseAim, moveBack, type Target, takeDue, turnOf } from './lane.ts';
import { earliestDueAt, firstDueAt, hasFirst, hasUnderWay, isDue } from './lane-queue.ts';
import { createLanes } from './lanes.ts';
import { createOrigins } from './origins.ts';
import { createOverflow } from './overflow.ts';
import { createReads } from './reads.ts';
import { createSettler } from './settler.ts';
import { createShards } from './shards.ts';

/**
 * Sends what waits. Lanes take turns: a lane that may move and has something due sends its share and goes
 * to the back of the line. What it sent is settled in memory at once, and in the store soon after. Rows are
 * the only way in: the dispatcher learns what to send from the store, never from the publisher.
 */
export interface Dispatcher {
  /** Takes in what became visible and lets lanes move. Returns how many deliveries were sent. */
  tick(): Promise<number>;
  /** Milliseconds until `tick` has something to do, unless `wake` is called before. */
  idleMs(): number;
  /** Notes webhooks whose registration or state changed. */
  changed(webhookIds: readonly string[] | 'ALL'): void;
  /**
   * Sends nothing more, waits at most `graceMs` for what is in flight, and writes what came of it.
   * What has no answer by then stays waiting and is sent again, with the same id, after the next start.
   */
  drain(graceMs: number): Promise<void>;
  /** The shards that it acts on, or is giving up. */
  readonly shards: ReadonlySet<number>;
  /** Those of them that it began to give up: where that failed, it is to be done again. */
  readonly giving: ReadonlySet<number>;
  /** Whether it acts on the lanes of a shard. */
  holds(shard: number): boolean;
  /** Takes over those of the shards that are free. Raises UNAVAILABLE and EXHAUSTED; some may be taken then. */
  take(shards: readonly number[]): Promise<void>;
  /**
   * Gives up shards in bounded time: sends nothing more of them, and waits a while for what is in flight. What still is
   * then is written down. Raises UNAVAILABLE and EXHAUSTED; they are to be given up again then.
   */
  give(shards: readonly number[]): Promise<void>;
  /** Its node was buried: it sends nothing more, and what it has under way is others' now. */
  abandon(): void;
}

export interface DispatcherDeps {
  readonly store: Pick<
    Store,
    | 'pollWaiting'
    | 'waitingLanes'
    | 'topUp'
    | 'getEventBodies'
    | 'getRendered'
    | 'keepMade'
    | 'settle'
    | 'overflowing'
    | 'surplus'
    | 'moveBack'
    | 'acquire'
    | 'giveUp'
  >;
  /** The name by which the store knows this node. */
  readonly node: string;
  /** Whether this node may send: it was heard of lately. It is asked before each request. */
  readonly maySend: () => boolean;
  readonly directory: Pick<Directory, 'load' | 'peek' | 'forget'>;
  readonly sender: Pick<Sender, 'send'>;
  /** What a webhook's requests are signed with. */
  readonly keysOf: KeysOf;
  /** What is sent to be let in. */
  readonly credentialsOf: CredentialsOf;
  /** Called when there is something to do before `idleMs` is over. */
  readonly wake: () => void;
  /** Whether nothing may be sent yet: then everything is done but that. Never without it. */
  readonly isOnStandby?: () => boolean;
  /** Called with operational events once what they tell of is on disk. It must not raise. */
  readonly notify: (operational: OperationalEvent) => void;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  readonly settings: DispatcherSettings;
}

export interface DispatcherSettings {
  /** Requests in flight at once, over all destinations. */
  readonly inFlightMax: number;
  /** Requests in flight at once to one origin. */
  readonly originInFlightMax: number;
  /** A webhook whose destination has failed for this long is disabled. */
  readonly disableAfterMs: number;
  readonly userAgent: string;
}

/** What a lane sends at most before the others have their turn. */
const SHARE = 8;
/** The most deliveries sent in one tick, so that answers are read in between. */
const SEND_MAX = 256;
/** Sending stops when this many settlements wait to be written. */
const BACKLOG_MAX = 10_000;
/** The longest sleep: the store is polled after it even if nobody has called `wake`. */
const SLEEP_MAX_MS = 1_000;

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { store, log, settings, isOnStandby = () => false } = deps;
  const clock = steadyClock(deps.clock);
  const bodies = createBodies(deps.random);
  const settler = createSettler({ store, node: deps.node, clock, log });
  const origins = createOrigins<Lane>(settings.originInFlightMax, ({ state }) => state.inFlight === 0);
  const lanes = createLanes({ ...deps, since: clock.now() });
  const finished = createFinished();
  const flights = createFlights({
    ...deps,
    steady: clock,
    lanes,
    maySend: ({ shard }) => deps.maySend() && shards.holds(shard),
    finished,
    settler,
    bodies,
    origins,
    touch,
    want: (flight) => reads.wantContents(flight),
  });
  const shards = createShards({
    ...deps,
    lanes,
    reads: () => reads,
    now: () => clock.now(),
    touch,
  });
  const { holds } = shards;
  const reads = createReads({ ...deps, holds, clock, lanes, bodies, flights, finished });
  const overflow = createOverflow({ ...deps, holds, steady: clock, lanes, flights });
  let draining = false;

  /** Lets one lane send its share. Returns how many went. */
  function visit(lane: Lane, now: number): number {
    const { target } = lane;
    // It is being given up.
    if (!shards.holds(lane.shard)) return 0;
    if (target === undefined) {
      // Its webhook may say by now that the lane is not ordered, or that what is in flight is retried otherwise.
      const dueAt = earliestDueAt(lane.queue);
      if (dueAt > now && !hasUnderWay(lane.queue)) lanes.sleep(lane, dueAt, now);
      else reads.wantWebhook(lane);
      return 0;
    }
    const turn = turnOf(lane, target, now);
    const fair = fairShare(flights.count, settings.inFlightMax) - lane.state.inFlight;
    const room = origins.room(target.origin, lane);
    const share = Math.min(turn.go, SHARE, fair, room);
    let sent = 0;
    while (sent < share) {
      const delivery = takeDue(lane, now);
      if (delivery === undefined) break;
      flights.begin({ lane, target, delivery }, now);
      sent++;
    }
    reads.wantDeliveries(lane, now);
    arrange(lane, target, { now, sent, share, mayGo: turn.go, again: turn.again, room });
    const waiting = origins.takeWaiting(target.origin);
    if (waiting !== undefined) lanes.ready(waiting);
    return sent;
  }

  interface Visited {
    readonly now: number;
    readonly sent: number;
    readonly share: number;
    readonly mayGo: number;
    readonly again: number;
    /** What it might have sent to its origin. */
    readonly room: number;
  }

  /** Decides when the lane is looked at again. */
  function arrange(lane: Lane, target: Target, visited: Visited): void {
    const { now, sent, share, mayGo, again, room } = visited;
    const { queue } = lane;
    const dueAt = firstDueAt(queue);
    if (dueAt === Number.POSITIVE_INFINITY) lanes.rest(lane, now);
    else if (mayGo === 0) lanes.sleep(lane, Math.max(again, dueAt), now);
    else if (dueAt > now) lanes.sleep(lane, dueAt, now);
    else if (sent >= room) origins.wait(target.origin, lane);
    // What is due is not in memory but is being read; the end of that read makes the lane ready.
    else if (!hasFirst(queue)) return;
    else if (!isDue(queue, now)) lanes.sleep(lane, queue.waiting.at(-1)!.dueAt, now);
    // A lane that has its fair share in flight is made ready when one of those comes back.
    else if (sent < share || share === Math.min(mayGo, SHARE)) lanes.ready(lane);
  }

  function touch(lane: Lane): void {
    lanes.ready(lane);
    deps.wake();
  }

  /** Gives ready lanes their turn, one after another, while anything more may be in flight. */
  function takeTurns(): number {
    if (!deps.maySend()) return 0;
    const now = clock.now();
    lanes.wakeDue(now);
    let sent = 0;
    while (sent < SEND_MAX && flights.count < settings.inFlightMax && settler.backlog < BACKLOG_MAX) {
      const lane = lanes.takeReady();
      if (lane === undefined) break;
      sent += visit(lane, now);
    }
    return sent;
  }

  /**
   * The machine's clock was set. Put forward, it is as if nothing had been done meanwhile: what was due is due.
   * Put back, everything that waits would wait for longer than it was to, so it is moved with the clock. What goes
   * on here goes by the time of before until that is done.
   */
  async function followClock(): Promise<void> {
    const step = clock.step();
    if (step === 0) return;
    if (step < 0) {
      // What is yet to be taken in, and to be written, is in the time of before.
      await shards.poll();
      await settler.flush();
      await store.moveBack({ byMs: -step, now: deps.clock.now() });
    }
    clock.follow();
    if (step < 0) lanes.moveBack(-step);
    for (const lane of lanes.all()) {
      if (step < 0) moveBack(lane, -step, clock.now());
      lanes.ready(lane);
    }
  }

  return {
    async tick() {
      await followClock();
      await shards.poll();
      const sent = draining || isOnStandby() ? 0 : takeTurns();
      if (!draining) overflow.run();
      reads.run();
      return sent;
    },
    idleMs() {
      const full = flights.count >= settings.inFlightMax || settler.backlog >= BACKLOG_MAX;
      if (draining || full || isOnStandby() || !deps.maySend()) return SLEEP_MAX_MS;
      return lanes.hasReady ? 0 : Math.min(SLEEP_MAX_MS, Math.max(0, lanes.nextWakeAt - clock.now()));
    },
    changed(webhookIds) {
      for (const lane of webhookIds === 'ALL' ? lanes.all() : webhookIds.map((id) => lanes.find(id))) {
        if (lane === undefined) continue;
        loseAim(lane);
        reads.changed(lane);
        touch(lane);
      }
    },
    shards: shards.held,
    giving: shards.giving,
    holds,
    take: shards.take,
    give: shards.give,
    abandon() {
      draining = true;
      flights.abandon();
      settler.abandon();
    },
    async drain(graceMs) {
      draining = true;
      await flights.land(graceMs);
      await settler.flush();
    },
  };
}
