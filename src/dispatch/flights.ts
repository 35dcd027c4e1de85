import type { Clock } from '../domain/clock.ts';
import type { Attempt, Outcome } from '../domain/delivery/attempt.ts';
import type { Transition, WaitingDelivery } from '../domain/delivery/delivery.ts';
import { failsTooLong, type LaneHealth } from '../domain/delivery/lane.ts';
import { IN_REACH, isExcused, outSince, reachAfter } from '../domain/delivery/outage.ts';
import { settle, type Verdict } from '../domain/delivery/settle.ts';
import { DomainError, madeOrError } from '../domain/error.ts';
import { type EventBody, publicId, type Rendered } from '../domain/event/event.ts';
import type { Random } from '../domain/random.ts';
import type { OperationalEvent } from '../domain/webhook/operational.ts';
import { redacted } from '../domain/webhook/redact.ts';
import type { DisabledReason } from '../domain/webhook/webhook.ts';
import type { Sender } from '../outbound/sender.ts';
import type { Log } from '../telemetry/log.ts';
import type { Bodies, HeldEvent } from './bodies.ts';
import type { Finished } from './finished.ts';
import { excuse, type Flight, type Lane, land, launch, leave, shut } from './lane.ts';
import { forget, leaveInStore, readmit, setAside } from './lane-queue.ts';
import type { Lanes } from './lanes.ts';
import { newsOf, newsOfUnsent, type Unsent } from './news.ts';
import type { Origins } from './origins.ts';
import { createMakeRequest } from './outgoing.ts';
import { logAttempt, logUnsent } from './report.ts';
import type { Settler } from './settler.ts';

/** Sends deliveries, and sees to what becomes of them. */
export interface Flights {
  /** Sends a delivery whose turn it is, at once or when its body has been read. */
  begin(flight: Flight, now: number): void;
  /** Sends a delivery whose body has been read. */
  send(flight: Flight, held: HeldEvent, rendered?: Rendered): void;
  /** Ends a delivery that cannot be sent because its request cannot be made of its event: FAILED, RENDER. */
  fail(flight: Flight, event: EventBody, message: string): void;
  /**
   * Ends a delivery that waits and is not to be sent. Resolves once that is on disk; undefined for one that is in
   * flight, or waits no more.
   */
  giveUpSurplus(lane: Lane, surplus: Unsent): Promise<void> | undefined;
  /** Ends a delivery that cannot be sent because its event, or what was rendered of it, is gone. */
  giveUp(flight: Flight): void;
  /** Ends a delivery that is to be given up. One that is in flight may still succeed. */
  cancel(lane: Lane, delivery: WaitingDelivery): void;
  /** Requests under way. */
  readonly count: number;
  /** Resolves when nothing is in flight, or when the grace is over. What comes back after that is ignored: it was cut off. */
  land(graceMs: number): Promise<void>;
  /** What comes back from now on is ignored. */
  abandon(): void;
}

export interface FlightsDeps {
  readonly sender: Pick<Sender, 'send'>;
  readonly settler: Settler;
  readonly bodies: Bodies;
  readonly origins: Origins<Lane>;
  /** Reads the body that a flight needs, which is not in memory. */
  readonly want: (flight: Flight) => void;
  readonly finished: Pick<Finished, 'note' | 'has'>;
  /** Lets a lane have its turn. */
  readonly touch: (lane: Lane) => void;
  readonly notify: (operational: OperationalEvent) => void;
  readonly lanes: Pick<Lanes, 'all' | 'isCurrent'>;
  /** Whether something may be sent of a lane: it is asked before each request. */
  readonly maySend: (lane: Lane) => boolean;
  /** Requests are stamped by the machine's clock; everything else goes by the steady one. */
  readonly clock: Clock;
  readonly steady: Pick<Clock, 'now'>;
  readonly random: Random;
  readonly log: Log;
  readonly settings: {
    /** A webhook whose destination has failed for this long is disabled. */
    readonly disableAfterMs: number;
    readonly userAgent: string;
  };
}

export function createFlights(deps: FlightsDeps): Flights {
  const { settler, bodies, origins, touch, clock, steady, random, log, settings } = deps;
  const { userAgent, disableAfterMs } = settings;
  const makeRequest = createMakeRequest({ bodies, clock, userAgent });
  let count = 0;
  let reach = IN_REACH;
  /** Whether the grace is over. */
  let abandoned = false;
  let landed: (() => void) | undefined;

  function begin(flight: Flight, now: number): void {
    const { lane, target, delivery } = flight;
    launch(lane, target, now);
    origins.start(target.origin);
    count++;
    const held = bodies.get(delivery.eventId);
    if (held === undefined || delivery.rendered || delivery.toRender) deps.want(flight);
    else send(flight, held);
  }

  function send(flight: Flight, held: HeldEvent, rendered?: Rendered): void {
    if (abandoned) return;
    if (!deps.maySend(flight.lane)) {
      putBack(flight);
      return;
    }
    const { event } = held;
    const request = madeOrError(() => makeRequest(flight, held, rendered));
    if (request instanceof DomainError) {
      fail(flight, event, request.message);
      return;
    }
    const number = flight.delivery.attempts + 1;
    const { headers, recordedHeaders: requestHeaders = headers, secrets = [], destination: url } = request;
    void deps.sender
      .send(request)
      .then((made) =>
        finish(flight, event, { number, requestHeaders, url, outcome: redacted(made, secrets) }),
      );
  }

  /** It was not sent, and waits as before. */
  function putBack({ lane, target, delivery }: Flight): void {
    release(target.origin);
    leave(lane);
    leaveInStore(lane.queue, forget(lane.queue, delivery));
    bodies.release(delivery.eventId);
    touch(lane);
  }

  /** Its request cannot be made: nothing is sent, and no attempt is counted. */
  function fail({ lane, target, delivery: sentAs }: Flight, event: EventBody, message: string): void {
    if (abandoned) return;
    const { webhook, ordered } = target;
    release(target.origin);
    leave(lane);
    const delivery = lane.queue.known.get(sentAs.ord) ?? sentAs;
    if (delivery.ending !== undefined) {
      end(lane, delivery, { to: 'CANCELLED', reason: delivery.ending });
      return;
    }
    const transition = { to: 'FAILED', reason: 'RENDER', message } as const;
    const about = { type: event.type, publicId: publicId(event) };
    const unsent = { webhook, event: about, delivery, transition, now: steady.now() };
    logUnsent(log, unsent);
    void endUnsent(lane, unsent, { urgent: ordered });
    touch(lane);
  }

  /** Resolves once it is on disk. The lane cannot go on without an urgent one. */
  function endUnsent(lane: Lane, unsent: Unsent, { urgent }: { urgent: boolean }): Promise<void> {
    const { delivery, transition, now } = unsent;
    const news = newsOfUnsent(unsent);
    return new Promise((resolve) => {
      const onDisk = (): void => {
        settled(lane, delivery, transition);
        for (const operational of news) deps.notify(operational);
        resolve();
      };
      settler.settle({ delivery, transition, now }, onDisk, { urgent });
    });
  }

  function giveUpSurplus(lane: Lane, surplus: Unsent): Promise<void> | undefined {
    const { ord } = surplus.delivery;
    if (abandoned || deps.finished.has(ord)) return undefined;
    // A retry can have been put off since the store was read.
    const delivery = lane.queue.known.get(ord) ?? surplus.delivery;
    if (!setAside(lane.queue, delivery)) return undefined;
    return endUnsent(lane, { ...surplus, delivery }, { urgent: false });
  }

  /** An attempt has ended: settles its delivery, and lets those go that waited for it. */
  function finish({ lane, target, delivery: sentAs }: Flight, event: EventBody, attempt: Attempt): void {
    if (abandoned) return;
    const now = steady.now();
    const { webhook, ordered } = target;
    // Its retry is by what its webhook says now.
    const { retryPolicy } = (lane.target ?? target).webhook.effective;
    // The row may have changed while it was in flight.
    const delivery = lane.queue.known.get(sentAs.ord) ?? sentAs;
    const { outcome } = attempt;
    const verdict = settle({
      delivery,
      outcome,
      policy: retryPolicy,
      now,
      unit: random.unit(),
    });
    logAttempt(log, { webhook, event, delivery, attempt, verdict });
    release(target.origin);
    noteReach(target.origin, outcome, now);
    const { health } = lane.state;
    // How it was where the webhook pointed before, or before a caller had seen to it, says nothing about now.
    // Nor does it after the lane has gone to another node.
    const counts = webhook.version >= lane.healthVersion && deps.lanes.isCurrent(lane);
    if (counts) {
      const ours = verdict.ours || isExcused(reach, outcome);
      land(lane, { verdict: { ...verdict, ours }, ordered, now, unit: random.unit() });
    } else if (!ordered) leave(lane);
    const disabled = counts ? recordHealth(lane, webhook.version, health, verdict, now) : undefined;
    const news = newsOf({ webhook, event, delivery, attempt, verdict, health, disabled, now });
    const onDisk = (): void => {
      if (ordered) leave(lane);
      settled(lane, delivery, verdict.transition);
      for (const operational of news) deps.notify(operational);
    };
    settler.settle({ delivery, attempt, transition: verdict.transition, now }, onDisk, { urgent: ordered });
    if (!ordered) touch(lane);
  }

  /** Notes whether anybody could be reached, and tells when that changes. */
  function noteReach(origin: string, outcome: Outcome, now: number): void {
    const before = reach;
    reach = reachAfter(before, origin, outcome, now);
    if (reach.isOut === before.isOut) return;
    if (before.isOut) {
      log.info({}, 'destinations can be reached again');
      return;
    }
    log.warn(
      { origins: reach.missed.map((each) => each.origin) },
      'no destination can be reached: failures count as our own until one can be',
    );
    const since = outSince(reach, now);
    for (const lane of deps.lanes.all()) {
      if (!excuse(lane, since)) continue;
      const { webhookId, healthVersion, state } = lane;
      settler.change({ webhookId, version: healthVersion, health: state.health, now });
      touch(lane);
    }
  }

  function release(origin: string): void {
    count--;
    for (const waiting of origins.finish(origin)) touch(waiting);
    if (count === 0) landed?.();
  }

  /**
   * Writes the lane's health if it changed, and shuts the lane if its destination is gone or has failed for
   * too long. Returns the reason if the lane was open until now.
   */
  function recordHealth(
    lane: Lane,
    version: number,
    before: LaneHealth,
    verdict: Verdict,
    now: number,
  ): DisabledReason | undefined {
    const { health } = lane.state;
    const failing = !verdict.success && failsTooLong(health, disableAfterMs, now);
    const disable: DisabledReason | undefined = verdict.gone ? 'GONE' : failing ? 'FAILING' : undefined;
    if (health === before && disable === undefined) return undefined;
    const { webhookId } = lane;
    settler.change({ webhookId, version, health, now, ...(disable && { disable }) });
    if (disable === undefined || !shut(lane)) return undefined;
    log.warn({ webhookId, reason: disable }, 'webhook disabled');
    return disable;
  }

  /** Called once the settlement is on disk. */
  function settled(lane: Lane, delivery: WaitingDelivery, transition: Transition): void {
    const { ord, attempts } = delivery;
    const latest = forget(lane.queue, delivery);
    if (transition.to === 'PENDING' && !deps.lanes.isCurrent(lane)) {
      bodies.release(delivery.eventId);
      return;
    }
    if (transition.to !== 'PENDING') {
      deps.finished.note(ord);
      bodies.release(delivery.eventId);
      // A caller had it sent again meanwhile. Only the store knows whether that was before this was on disk.
      if (latest !== delivery) leaveInStore(lane.queue, latest);
    } else {
      // If the row changed from outside before this was on disk, this has overwritten its due time. A row
      // that was handed over afterwards counts this attempt already, and stands as it is.
      const { dueAt, free } = transition;
      const attemptsBefore = latest.attemptsBefore + (free ? 1 : 0);
      const retry =
        latest.attempts > attempts ? latest : { ...latest, attempts: attempts + 1, attemptsBefore, dueAt };
      if (retry.ending !== undefined) cancel(lane, retry);
      else readmit(lane.queue, retry, steady.now());
    }
    touch(lane);
  }

  function cancel(lane: Lane, delivery: WaitingDelivery): void {
    const { ending, eventId } = delivery;
    if (ending === undefined) return;
    // Whatever else waits for the event must not be sent with the erased data: it reads what is left in the store.
    if (ending === 'PURGED') bodies.drop(eventId);
    if (setAside(lane.queue, delivery)) end(lane, delivery, { to: 'CANCELLED', reason: ending });
  }

  /** Settles a delivery without an attempt. After the grace it is left waiting in the store, for the next start. */
  function end(lane: Lane, delivery: WaitingDelivery, transition: Transition): void {
    if (abandoned) return;
    settler.settle({ delivery, transition, now: steady.now() }, () => settled(lane, delivery, transition));
  }

  return {
    begin,
    send,
    fail,
    giveUpSurplus,
    cancel,
    giveUp({ lane, target, delivery }) {
      release(target.origin);
      leave(lane);
      const latest = lane.queue.known.get(delivery.ord) ?? delivery;
      // If its webhook was removed, its row was settled with it, and this changes nothing.
      end(lane, latest, { to: 'CANCELLED', reason: latest.ending ?? 'PURGED' });
    },
    get count() {
      return count;
    },
    abandon() {
      abandoned = true;
    },
    async land(graceMs) {
      if (count > 0) {
        await new Promise<void>((resolve) => {
          landed = resolve;
          setTimeout(resolve, graceMs);
        });
      }
      abandoned = true;
    },
  };
}
