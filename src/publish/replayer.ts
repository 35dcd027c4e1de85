import { checkRings } from '../domain/access/standing.ts';
import { type Claim, claimedId } from '../domain/claim.ts';
import type { Clock } from '../domain/clock.ts';
import { DomainError, invalid, notFound } from '../domain/error.ts';
import { type OpenedEvent, openEvent } from '../domain/event/data.ts';
import { type EventBody, type EventRecord, publicId, RUN_EVENT_TYPE } from '../domain/event/event.ts';
import { createIds, isOwnForm } from '../domain/id.ts';
import type { Random } from '../domain/random.ts';
import { rendersEvents } from '../domain/template/header-templates.ts';
import type { Webhook } from '../domain/webhook/webhook.ts';
import type { Directory } from '../store/directory.ts';
import type { NamespaceDirectory } from '../store/namespace-directory.ts';
import type { Replay, Store } from '../store/store.ts';
import { deliveryTo, loadFilters, type PublishLog } from './new-delivery.ts';
import { eventsByIds, eventsInRange, type ReplayRange } from './replay-events.ts';
import { eventsHadBy, type ReplayTarget, targetsAt, targetsBefore } from './replay-targets.ts';
import { createTally, type Tally } from './tally.ts';
import { createTurns } from './turns.ts';

export type { ReplayRange } from './replay-events.ts';

/** Which events to send again, and to whom. */
export interface ReplayOrder {
  readonly namespace: string;
  /** By the ids that readers see, or a range, of which one call does a bounded part. */
  readonly events: { readonly ids: readonly string[] } | ReplayRange;
  /** A filter, checked: only events for which it is true. */
  readonly filter?: string;
  /** Only events that were delivered to this webhook, which need not be there any more if it is named by its uid. */
  readonly deliveredTo?: string;
  /**
   * To this webhook only, whatever it asks for; otherwise to `deliveredTo`, or else to each webhook that an
   * event was delivered to before.
   */
  readonly webhookId?: string;
  /** Count, and send nothing. */
  readonly validateOnly: boolean;
  /** The same claim again sends what is left. */
  readonly claim?: Claim;
}

/** What is sent again, or would be. */
export interface Replayed {
  readonly events: number;
  readonly deliveries: number;
  /** The range was not done to its end: go on from this time. */
  readonly nextSince?: number;
}

/** Sends events again that were published before, as their webhooks are now. */
export interface Replayer {
  /**
   * Makes new deliveries of events that are there. Raises NOT_FOUND for a webhook that does not exist, what `checkRings`
   * raises of the namespace, INVALID for a
   * range of runs, and EXHAUSTED when too many deliveries are waiting and none could be made, or, for ids and within
   * the first millisecond of a range, not all.
   */
  replay(order: ReplayOrder): Promise<Replayed>;
}

export interface ReplayerDeps {
  readonly store: Pick<
    Store,
    'listEvents' | 'getEvents' | 'getEventBodies' | 'listDeliveries' | 'replay' | 'resolveWebhooks'
  >;
  readonly directory: Pick<Directory, 'load'>;
  readonly namespaces: NamespaceDirectory;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: PublishLog;
}

/** What all deliveries of one call have in common. */
interface Sending {
  readonly now: number;
  readonly claim?: Claim;
}

/** Deliveries of a range after which it is left for another call. */
const DELIVERIES_MAX = 100_000;
/** Events worked on at a time, with their bodies. */
const STEP_EVENTS = 25;
const STEP_DELIVERIES = 500;

export function createReplayer(deps: ReplayerDeps): Replayer {
  const { store, clock, log } = deps;
  const deliveryId = createIds('delivery', deps.random);

  /** Raises NOT_FOUND. */
  async function webhookOf(namespace: string, id: string): Promise<Webhook> {
    const [webhook] = await store.resolveWebhooks([{ namespace, id }]);
    if (webhook === undefined) throw notFound('Webhook', id);
    return webhook;
  }

  /** The one webhook that everything goes to, if there is one, and the uid of the one that had the events. */
  async function webhooksOf({ namespace, webhookId, deliveredTo }: ReplayOrder) {
    // One that was removed can still be named by its uid.
    const had =
      deliveredTo === undefined || (webhookId !== undefined && isOwnForm(deliveredTo))
        ? undefined
        : await webhookOf(namespace, deliveredTo);
    const to = webhookId === undefined ? had : await webhookOf(namespace, webhookId);
    return { to, hadBy: had?.id ?? deliveredTo };
  }

  function select({ namespace, events }: ReplayOrder, now: number) {
    if ('ids' in events) return eventsByIds(store, namespace, events.ids);
    const { type } = events;
    if (type !== undefined && 'exact' in type && type.exact === RUN_EVENT_TYPE) {
      throw invalid('range.type', 'names runs, which are in no range: replay them by their ids');
    }
    return eventsInRange(store, namespace, { ...events, until: events.until ?? now + 1 });
  }

  /** Bodies of events, by id; an event whose data was erased meanwhile is missing. */
  async function open(events: readonly EventRecord[]): Promise<ReadonlyMap<string, OpenedEvent>> {
    const bodies = await store.getEventBodies(events.map(({ id }) => id));
    const there = bodies.filter((body): body is EventBody => body !== undefined);
    return new Map(there.map((body) => [body.id, openEvent(body)]));
  }

  async function wantedOf(
    { filter }: ReplayOrder,
    hadBy: string | undefined,
    events: readonly EventRecord[],
    failed: Tally,
  ): Promise<readonly EventRecord[]> {
    const had = hadBy === undefined ? events : await eventsHadBy(hadBy, events, store);
    return filter === undefined ? had : fulfilling(filter, had, failed);
  }

  async function fulfilling(filter: string, events: readonly EventRecord[], failed: Tally) {
    const { matches } = await loadFilters();
    const opened = await open(events);
    const turns = createTurns(clock);
    const wanted: EventRecord[] = [];
    for (const event of events) {
      if (turns.isOver()) await turns.next();
      const body = opened.get(event.id);
      const verdict = body !== undefined && matches(filter, body);
      if (verdict === true) wanted.push(event);
      else if (verdict !== false) failed.add(publicId(event), verdict.failed);
    }
    return wanted;
  }

  async function replaysOf(targets: readonly ReplayTarget[], { now, claim }: Sending): Promise<Replay[]> {
    const rendering = targets.filter(({ webhook }) => rendersEvents(webhook.effective.payload));
    const opened = await open([...new Set(rendering.map(({ event }) => event))]);
    const again = claim?.resumed ?? false;
    const turns = createTurns(clock);
    const replays: Replay[] = [];
    for (const { event, webhook, replayOf } of targets) {
      if (turns.isOver()) await turns.next();
      const id = claim ? claimedId('delivery', claim, event.id, webhook.id) : deliveryId(now);
      const delivery = deliveryTo(webhook, opened.get(event.id) ?? openEvent(event), { id, now });
      replays.push({ eventId: event.id, delivery, now, again, ...(replayOf !== undefined && { replayOf }) });
    }
    return replays;
  }

  /** Sends what can be sent. The first event for which there was no room, if there was one. */
  async function send(targets: readonly ReplayTarget[], sending: Sending) {
    let made = 0;
    for (let i = 0; i < targets.length; i += STEP_DELIVERIES) {
      const replays = await replaysOf(targets.slice(i, i + STEP_DELIVERIES), sending);
      const results = replays.length === 0 ? [] : await store.replay(replays);
      made += results.filter((result) => result === 'REPLAYED').length;
      const full = replays[results.indexOf('FULL')];
      if (full !== undefined) return { made, full: full.eventId };
    }
    return { made };
  }

  return {
    async replay(order) {
      const { validateOnly, claim } = order;
      const now = claim?.at ?? clock.now();
      const [namespace] = await deps.namespaces.load([order.namespace]);
      checkRings(order.namespace, namespace);
      const { to, hadBy } = await webhooksOf(order);
      const { events, nextSince } = await select(order, now);
      const turns = createTurns(clock);
      const filters = createTally();
      const sending: Sending = { now, ...(claim && { claim }) };
      const done = { events: 0, deliveries: 0 };
      let next = nextSince;
      for (let i = 0; i < events.length; i += STEP_EVENTS) {
        const step = events.slice(i, i + STEP_EVENTS);
        if (done.deliveries >= DELIVERIES_MAX && !('ids' in order.events) && beginsMillisecond(events, i)) {
          next = step[0]!.createdAt;
          break;
        }
        const wanted = await wantedOf(order, hadBy, step, filters);
        const targets = await (to === undefined ? targetsBefore(wanted, deps) : targetsAt(to, wanted, deps));
        const { made, full } = validateOnly ? { made: targets.length } : await send(targets, sending);
        done.deliveries += made;
        if (full !== undefined) {
          next = stopAt(order, events, full, done.deliveries);
          done.events += wanted.filter(({ createdAt }) => createdAt < next!).length;
          break;
        }
        done.events += wanted.length;
        if (turns.isOver()) await turns.next();
      }
      report(order, log, filters);
      return { ...done, ...(next !== undefined && { nextSince: next }) };
    },
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Whether an event is of another millisecond than the one before it: a range can be left there. */
function beginsMillisecond(events: readonly EventRecord[], i: number): boolean {
  return i > 0 && events[i]!.createdAt > events[i - 1]!.createdAt;
}

/** Where to go on once there is room again. Raises EXHAUSTED where that cannot be said. */
function stopAt(order: ReplayOrder, events: readonly EventRecord[], eventId: string, made: number): number {
  const { createdAt } = events.find(({ id }) => id === eventId)!;
  // From the first millisecond again would be where this call began: it could go on so for ever.
  if ('ids' in order.events || made === 0 || createdAt <= events[0]!.createdAt) {
    throw new DomainError(
      'TOO_MANY_WAITING',
      `too many deliveries are waiting: ${made === 0 ? 'none' : `only ${made}`} could be made; replay again later`,
    );
  }
  return createdAt;
}

function report({ namespace }: ReplayOrder, log: PublishLog, { ids, reason }: Tally): void {
  if (ids.length === 0) return;
  log.warn(
    { namespace, events: ids.length, eventId: ids[0], reason },
    'events not replayed: the filter failed on them',
  );
}
