import type { KeyObject } from 'node:crypto';
import type { Attempt } from '../domain/attempt.ts';
import type { Clock } from '../domain/clock.ts';
import type { Transition, WaitingDelivery } from '../domain/delivery.ts';
import { failsTooLong, fairShare, finished, type LaneState, next, started } from '../domain/lane.ts';
import type { Random } from '../domain/random.ts';
import { settle, type Verdict } from '../domain/settle.ts';
import type { DisabledReason, Webhook } from '../domain/webhook.ts';
import type { Directory } from '../store/directory.ts';
import type { Store } from '../store/store.ts';
import type { Log } from '../telemetry/log.ts';
import { buildRequest } from '../webhook/request.ts';
import type { Sender } from '../webhook/sender.ts';
import { createBodies } from './bodies.ts';
import { firstDueAt, type Lane, readmit, type Target, takeDue, withdraw } from './lane.ts';
import { createLanes } from './lanes.ts';
import { createOrigins } from './origins.ts';
import { type BodyWish, createReads } from './reads.ts';
import { logAttempt } from './report.ts';
import { createSettler } from './settler.ts';

/**
 * Sends what waits. Lanes take turns: one that may move and has something due sends its share and goes
 * to the back; what it sent is settled, in memory at once and in the store soon after. Rows are the
 * only way in: the dispatcher learns what to send from the store, never from whoever published it.
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
}

export interface DispatcherDeps {
  readonly store: Pick<Store, 'pollWaiting' | 'waitingLanes' | 'topUp' | 'getEventBodies' | 'settle'>;
  readonly directory: Pick<Directory, 'load' | 'peek'>;
  readonly sender: Pick<Sender, 'send'>;
  /** The webhook's signing keys, newest first. */
  readonly keysOf: (webhook: Webhook) => readonly KeyObject[];
  /** Called when there is something to do before `idleMs` is over. */
  readonly wake: () => void;
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
  /** A destination that has failed for so long is disabled. */
  readonly disableAfterMs: number;
  readonly userAgent: string;
}

/** What a lane sends at most before the others have their turn. */
const SHARE = 8;
/** Deliveries sent in one tick, so that answers are read between two. */
const SEND_MAX = 256;
/** Settlements not yet on disk at which sending stops. */
const BACKLOG_MAX = 10_000;
/** The longest sleep; what the store has is polled then even without a hint. */
const SLEEP_MAX_MS = 1_000;

export function createDispatcher(deps: DispatcherDeps): Dispatcher {
  const { store, sender, clock, random, log, settings } = deps;
  const bodies = createBodies();
  const settler = createSettler({ store, log });
  const origins = createOrigins<Lane>(settings.originInFlightMax);
  const lanes = createLanes({ since: clock.now(), directory: deps.directory, keysOf: deps.keysOf });
  const reads = createReads({ ...deps, lanes, bodies, cancel, send, giveUp });
  let inFlight = 0;
  let draining = false;
  /** Set when the grace is over: what comes back now was cut off, not answered. */
  let abandoned = false;
  let drained: (() => void) | undefined;

  /** Lets one lane send its share. Returns how many went. */
  function visit(lane: Lane, now: number): number {
    const { target } = lane;
    if (target === undefined) {
      const dueAt = firstDueAt(lane);
      if (dueAt > now) lanes.sleep(lane, dueAt, now);
      else reads.wantWebhook(lane);
      return 0;
    }
    const turn = next(lane.state, target.rules, now);
    const fair = fairShare(inFlight, settings.inFlightMax) - lane.state.inFlight;
    const originFree = origins.free(target.origin);
    const share = Math.min(turn.go, SHARE, fair, originFree);
    let sent = 0;
    while (sent < share) {
      const delivery = takeDue(lane, now);
      if (delivery === undefined) break;
      begin(lane, target, delivery, now);
      sent++;
    }
    reads.wantDeliveries(lane, now);
    arrange(lane, target, { now, sent, share, mayGo: turn.go, again: turn.again, originFree });
    if (originFree > sent) {
      const waiting = origins.takeWaiting(target.origin);
      if (waiting !== undefined) lanes.ready(waiting);
    }
    return sent;
  }

  interface Visited {
    readonly now: number;
    readonly sent: number;
    readonly share: number;
    readonly mayGo: number;
    readonly again: number;
    readonly originFree: number;
  }

  /** Decides when the lane is looked at again. */
  function arrange(lane: Lane, target: Target, visited: Visited): void {
    const { now, sent, share, mayGo, again, originFree } = visited;
    const dueAt = firstDueAt(lane);
    if (dueAt === Number.POSITIVE_INFINITY) lanes.rest(lane, now);
    else if (mayGo === 0) lanes.sleep(lane, Math.max(again, dueAt), now);
    else if (dueAt > now) lanes.sleep(lane, dueAt, now);
    else if (originFree - sent <= 0) origins.wait(target.origin, lane);
    // At its fair share, one of its own coming back makes it ready. What is due but not in memory is
    // being read, and comes with the same.
    else if (lane.waiting.length > 0 && (sent < share || share === Math.min(mayGo, SHARE))) lanes.ready(lane);
  }

  function begin(lane: Lane, target: Target, delivery: WaitingDelivery, now: number): void {
    lane.state = started(lane.state, target.rules, now);
    origins.start(target.origin);
    inFlight++;
    send(lane, target, delivery);
  }

  function send(lane: Lane, target: Target, delivery: WaitingDelivery): void {
    const body = bodies.get(delivery.eventId);
    if (body === undefined) {
      reads.wantBody({ lane, target, delivery });
      return;
    }
    const { keys, webhook } = target;
    const number = delivery.attempts + 1;
    const now = clock.now();
    const { userAgent } = settings;
    const request = buildRequest({
      webhook,
      delivery,
      event: body,
      attemptNumber: number,
      keys,
      now,
      userAgent,
    });
    void sender.send(request).then((outcome) => finish(lane, target, delivery, { number, outcome }));
  }

  /** What an attempt's end means for the delivery, its lane and everyone who waited. */
  function finish(lane: Lane, target: Target, sentAs: WaitingDelivery, attempt: Attempt): void {
    if (abandoned) return;
    const now = clock.now();
    const { webhook, ordered } = target;
    // The row may have been superseded while it was in flight.
    const delivery = lane.known.get(sentAs.ord) ?? sentAs;
    const { outcome } = attempt;
    const verdict = settle({ delivery, outcome, policy: webhook.spec.retryPolicy, now, unit: random.unit() });
    logAttempt(log, { webhook, delivery, attempt, verdict });
    release(target.origin);
    const before = lane.state;
    const after = finished(before, verdict, now, random.unit());
    // The next of an ordered lane must not go before this one is on disk.
    lane.state = ordered ? { ...after, inFlight: before.inFlight } : after;
    recordHealth(lane, target, before, verdict, now);
    const onDisk = (): void => {
      if (ordered) lane.state = { ...lane.state, inFlight: lane.state.inFlight - 1 };
      settled(lane, delivery, verdict.transition);
    };
    settler.settle({ delivery, attempt, transition: verdict.transition, now }, onDisk, { urgent: ordered });
    if (!ordered) touch(lane);
  }

  function release(origin: string): void {
    inFlight--;
    for (const waiting of origins.finish(origin)) touch(waiting);
    if (inFlight === 0) drained?.();
  }

  /** Writes the lane's health when it changed, and stops the lane when its destination is no more. */
  function recordHealth(lane: Lane, target: Target, before: LaneState, verdict: Verdict, now: number): void {
    const { health } = lane.state;
    const failing = !verdict.success && failsTooLong(health, settings.disableAfterMs, now);
    const disable: DisabledReason | undefined = verdict.gone ? 'GONE' : failing ? 'FAILING' : undefined;
    if (health === before.health && disable === undefined) return;
    const webhookId = lane.webhookId;
    settler.change({ webhookId, health, now, ...(disable && { disable }) });
    if (disable === undefined || lane.target !== target) return;
    // At once, rather than when the store reports the change: nothing more is to be sent there.
    lane.target = { ...target, rules: { ...target.rules, open: false } };
    log.warn(
      { webhookId, destination: target.webhook.spec.destination, reason: disable },
      'webhook disabled',
    );
  }

  /** The settlement is on disk. */
  function settled(lane: Lane, delivery: WaitingDelivery, transition: Transition): void {
    const { ord } = delivery;
    const superseded = lane.known.get(ord)?.superseded ?? false;
    lane.known.delete(ord);
    lane.settledDuringRead?.add(ord);
    if (transition.to !== 'PENDING') bodies.drop(delivery.eventId);
    else if (superseded && !delivery.superseded)
      cancel(lane, { ...delivery, attempts: delivery.attempts + 1, superseded });
    else {
      const retry = { ...delivery, attempts: delivery.attempts + 1, dueAt: transition.dueAt };
      readmit(lane, retry, clock.now());
    }
    touch(lane);
  }

  /** Ends a delivery that a newer run stands in for. In flight, it has its chance first. */
  function cancel(lane: Lane, delivery: WaitingDelivery): void {
    const { ord } = delivery;
    if (lane.known.has(ord) && !withdraw(lane, ord)) {
      lane.known.set(ord, delivery);
      return;
    }
    lane.known.set(ord, delivery);
    const transition: Transition = { to: 'CANCELLED', reason: 'SUPERSEDED' };
    settler.settle({ delivery, transition, now: clock.now() }, () => settled(lane, delivery, transition));
  }

  /** The event of a delivery in flight is gone, and so is its row: its webhook was removed. */
  function giveUp({ lane, target, delivery }: BodyWish): void {
    release(target.origin);
    lane.state = { ...lane.state, inFlight: lane.state.inFlight - 1 };
    const transition: Transition = { to: 'CANCELLED', reason: 'REMOVED' };
    settler.settle({ delivery, transition, now: clock.now() }, () => settled(lane, delivery, transition));
  }

  function touch(lane: Lane): void {
    lanes.ready(lane);
    deps.wake();
  }

  /** Lanes that are ready have their turn, as far as there is room. */
  function takeTurns(): number {
    const now = clock.now();
    lanes.wakeDue(now);
    let sent = 0;
    while (sent < SEND_MAX && inFlight < settings.inFlightMax && settler.backlog < BACKLOG_MAX) {
      const lane = lanes.takeReady();
      if (lane === undefined) break;
      sent += visit(lane, now);
    }
    return sent;
  }

  return {
    async tick() {
      await reads.poll();
      const sent = draining ? 0 : takeTurns();
      reads.run();
      return sent;
    },
    idleMs() {
      const full = inFlight >= settings.inFlightMax || settler.backlog >= BACKLOG_MAX;
      if (draining || full) return SLEEP_MAX_MS;
      return lanes.hasReady ? 0 : Math.min(SLEEP_MAX_MS, Math.max(0, lanes.nextWakeAt - clock.now()));
    },
    changed(webhookIds) {
      for (const lane of webhookIds === 'ALL' ? lanes.all() : webhookIds.map((id) => lanes.find(id))) {
        if (lane === undefined) continue;
        lane.target = undefined;
        touch(lane);
      }
    },
    async drain(graceMs) {
      draining = true;
      if (inFlight > 0) {
        await new Promise<void>((resolve) => {
          drained = resolve;
          setTimeout(resolve, graceMs);
        });
      }
      abandoned = true;
      await settler.flush();
    },
  };
}
