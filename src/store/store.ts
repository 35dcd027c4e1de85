/**
 * The port between the house and its database. Every verb is one transaction in the words of the
 * domain, takes a batch where there can be more than one, and has been committed durably when its
 * promise resolves. No transaction handle leaks out. One conformance suite (`test/store`) holds every
 * adapter to it.
 *
 * Any verb can reject with `DomainError('UNAVAILABLE')` when the database cannot be reached or is
 * closed, and with `DomainError('EXHAUSTED')` when the adapter's own bounded queue is full; nothing
 * was written then.
 */
import type { Attempt } from '../domain/delivery/attempt.ts';
import type {
  Delivery,
  DeliveryChange,
  DeliveryDetail,
  DeliveryState,
  Transition,
  WaitingDelivery,
} from '../domain/delivery/delivery.ts';
import type { LaneHealth } from '../domain/delivery/lane.ts';
import type { DeliveryFormat, Event, EventBody, EventRecord, Rendered } from '../domain/event/event.ts';
import type { OverlapPolicy, RunCursor } from '../domain/schedule/schedule.ts';
import type { DisabledReason, Webhook, WebhookState } from '../domain/webhook/webhook.ts';

export interface Store {
  // ── Registrations ──────────────────────────────────────────────────────────────────────────────

  /**
   * Inserts webhooks. 'EXISTS' for one whose (namespace, name, destination) is taken, by a stored
   * webhook or an earlier one of the batch; the others are inserted all the same.
   */
  createWebhooks(batch: readonly Webhook[]): Promise<('CREATED' | 'EXISTS')[]>;

  /**
   * Replaces webhooks, each only if its stored version is still `ifVersion`. Everything but id,
   * namespace and creation time is taken from `webhook`, except the run cursor, which is taken only
   * if `cursorFrom` is given and equals the stored cursor's nominal time and counters (otherwise
   * 'STALE'), the lane's health, which is taken only when `resetHealth` is set, and the count of filter
   * failures, which only grows. 'EXISTS' when another webhook has the new (namespace, name,
   * destination); 'NOT_FOUND' when it is gone.
   */
  updateWebhooks(batch: readonly WebhookUpdate[]): Promise<('UPDATED' | 'STALE' | 'EXISTS' | 'NOT_FOUND')[]>;

  /** The webhooks with these ids, in the same order; undefined where there is none. */
  getWebhooks(ids: readonly string[]): Promise<(Webhook | undefined)[]>;

  /** The webhook with exactly this key. */
  findWebhook(key: WebhookKey): Promise<Webhook | undefined>;

  /** Webhooks by id, ascending. */
  listWebhooks(query: WebhookQuery): Promise<Webhook[]>;

  /**
   * Removes webhooks: they are gone from every read at once, and their waiting deliveries read as
   * CANCELLED (REMOVED). The rows of the first `SWEEP_BATCH` deliveries are changed now, those of
   * the others by `sweep`. An `ifVersion` that is not the stored one is 'STALE'.
   */
  removeWebhooks(batch: readonly WebhookRemoval[]): Promise<('REMOVED' | 'STALE' | 'NOT_FOUND')[]>;

  // ── Ways in ────────────────────────────────────────────────────────────────────────────────────

  /**
   * Inserts events with their deliveries, due at `dueAt`. A delivery to a webhook that is gone is left
   * out. `remember` makes it idempotent: while the caller's id is remembered, the same id is DUPLICATE
   * for the same digest, with the first event's id and its number of deliveries then, and CONFLICT
   * for another. FULL when more deliveries would wait than the store's bounds allow, in the namespace or
   * in all. What is not PUBLISHED changes nothing. Filter failures are counted whatever else happens.
   */
  publish(batch: readonly Publication[]): Promise<PublishResult[]>;

  /**
   * For each question the webhooks, ACTIVE or not, one of whose event types matches: the type itself,
   * a beginning of it followed by `.*`, or `*`. Its cost grows with the number of matches. Ids ascending.
   */
  matchWebhooks(batch: readonly TypeMatch[]): Promise<string[][]>;

  /**
   * A number that grows with every committed change of a webhook before that change's promise resolves;
   * undefined where other processes change webhooks too, and nothing that was read may be used again
   * without asking. Synchronous: it is asked on every publish.
   */
  webhookEpoch(): number | undefined;

  /**
   * Makes new deliveries of events that are there: 'REPLAYED', or 'GONE' when the event is not or its
   * data was erased, or the webhook is gone, or 'FULL' as in `publish`.
   */
  replay(batch: readonly Replay[]): Promise<('REPLAYED' | 'GONE' | 'FULL')[]>;

  /** ACTIVE webhooks whose next run is due before `before`, soonest first, at most `limit`, after the given place. */
  upcomingRuns(query: { before: number; limit: number; after?: UpcomingRun }): Promise<UpcomingRun[]>;

  /**
   * Fires runs by compare-and-set: a firing whose webhook is gone, not ACTIVE, has another version,
   * or whose cursor's nominal time is no longer `from` changes nothing and is 'STALE'. Otherwise the
   * cursor becomes `to` and its events and deliveries are inserted, or, with overlap SKIP while a
   * run of that webhook is waiting, left out and counted in `skipped` instead of `fired`. With
   * overlap SUPERSEDE the webhook's waiting run deliveries from before are marked as ending, SUPERSEDED, and
   * appear in `pollWaiting` again. A run whose event id exists is left out.
   */
  fireRuns(batch: readonly RunFiring[]): Promise<('FIRED' | 'SKIPPED' | 'STALE')[]>;

  // ── The dispatcher ─────────────────────────────────────────────────────────────────────────────

  /**
   * What became visible since the last poll: new waiting deliveries, and those whose row changed
   * from outside the dispatcher. Every row is returned by a poll, or its webhook is named in
   * `topUp`. The first poll after a start also brings what was to be given up before it, as far as that is
   * not done. There is one poller a store.
   */
  pollWaiting(): Promise<WaitingPoll>;

  /** Webhooks that changed since the last poll. There is one poller a store. */
  pollWebhooks(): Promise<WebhookPoll>;

  /** Calls back when a poll would return something. A hint: everything works by polling alone. Returns a way to stop. */
  onVisible(listener: () => void): () => void;

  /** The webhooks with anything waiting, by id ascending, with the earliest due time of each. */
  waitingLanes(query: { after?: string; limit: number }): Promise<{ webhookId: string; dueAt: number }[]>;

  /**
   * For each lane the first `limit` waiting deliveries, by (due time, ord), or by ord alone when
   * `ordered`; `more` is the earliest due time among the rest (for an ordered lane, of the next by
   * ord), or null when that was all.
   */
  topUp(lanes: readonly TopUp[]): Promise<ToppedUp[]>;

  /** What requests need of these events, in the same order; undefined where there is none, or its data was erased. */
  getEventBodies(ids: readonly string[]): Promise<(EventBody | undefined)[]>;

  /** What was rendered for these deliveries, in the same order; undefined where nothing was. */
  getRendered(deliveryIds: readonly string[]): Promise<(Rendered | undefined)[]>;

  /**
   * Writes what became of deliveries, with the attempts made, and how their lanes are. A delivery
   * that is no longer waiting (its webhook was removed) keeps its state: 'GONE', and only its
   * attempt is recorded; so does one that is CANCELLED as it was `ending`, and that a caller has had sent
   * again since then. A lane change with `disable` sets a webhook that is ACTIVE to DISABLED,
   * with a new version and update time.
   */
  settle(batch: readonly Settlement[], lanes: readonly LaneChange[]): Promise<('SETTLED' | 'GONE')[]>;

  // ── The log ────────────────────────────────────────────────────────────────────────────────────

  /**
   * Deliveries by id, descending: newest first, unless told otherwise. A long search is made in parts,
   * between which others may write.
   */
  listDeliveries(query: DeliveryQuery): Promise<Delivery[]>;

  /** One delivery with its attempts. */
  getDelivery(id: string): Promise<DeliveryDetail | undefined>;

  /**
   * What happened to deliveries of a namespace after `after`, oldest first. `next` is where to go on,
   * also when nothing was found. Without `after` nothing is returned but the present end. 'GAP' when what
   * follows `after` is no longer kept.
   */
  changesSince(query: ChangeQuery): Promise<{ changes: DeliveryChange[]; next: number } | 'GAP'>;

  /** Calls back when `changesSince` may return something new. A hint: everything works by polling alone. Returns a way to stop. */
  onChanges(listener: () => void): () => void;

  /**
   * Makes deliveries due at `now`: PENDING ones sooner, FAILED and CANCELLED ones again, with
   * `attemptsBefore` as many as were made. They appear in `pollWaiting`. 'SUCCEEDED' for one that was
   * delivered, 'GONE' when the delivery is unknown, its webhook is removed or its event's data erased.
   */
  retryDeliveries(batch: readonly DeliveryOrder[]): Promise<('RETRIED' | 'SUCCEEDED' | 'GONE')[]>;

  /**
   * Marks PENDING deliveries as ending, REQUESTED; they appear in `pollWaiting` again, and the dispatcher
   * settles them. 'FINISHED' for one that is not PENDING any more, 'GONE' when there is none.
   */
  cancelDeliveries(batch: readonly DeliveryOrder[]): Promise<('CANCELLING' | 'FINISHED' | 'GONE')[]>;

  /** Events by the id that readers see, the latest with it; undefined where there is none. */
  getEvents(keys: readonly EventKey[]): Promise<(EventRecord | undefined)[]>;

  /** Events by internal id, descending: newest first, unless told otherwise. Their `body` is empty. */
  listEvents(query: EventQuery): Promise<EventRecord[]>;

  /**
   * Erases an event's data: its body and headers, what was rendered of it, and the headers and answers of
   * its attempts, also of one in flight. Its waiting deliveries are marked as ending, PURGED, and appear
   * in `pollWaiting`. Returns how many. Of several events with the id, all.
   */
  purgeEvents(keys: readonly EventKey[]): Promise<('GONE' | { cancelled: number })[]>;

  /**
   * One small batch of housekeeping: cancels deliveries of removed webhooks, deletes deliveries finished
   * before `finishedBefore` with their attempts, and events published before it that nothing is left of,
   * erases the data of events published before `payloadsBefore` of which nothing waits, and forgets what
   * need not be remembered any more: callers' ids, and changes that no watcher can be expected to read.
   * Returns how many rows it touched; 0 means that there is nothing left to do.
   */
  sweep(query: { now: number; finishedBefore: number; payloadsBefore: number }): Promise<number>;

  /** Refuses new verbs, finishes those accepted, and lets the database go. Tolerates being called twice. */
  close(): Promise<void>;
}

/** Rows that one `sweep`, or the inline part of a removal, touches at most. */
export const SWEEP_BATCH = 500;

export interface WebhookKey {
  readonly namespace: string;
  readonly name: string;
  readonly destination: string;
}

export interface WebhookUpdate {
  readonly webhook: Webhook;
  readonly ifVersion: number;
  /** The stored cursor that `webhook.cursor` was computed from. */
  readonly cursorFrom?: RunCursor;
  readonly resetHealth?: boolean;
}

export interface WebhookRemoval {
  readonly id: string;
  readonly now: number;
  readonly ifVersion?: number;
}

export interface WebhookQuery {
  readonly namespace: string;
  /** Only ids greater than this. */
  readonly after?: string;
  readonly limit: number;
  readonly name?: string;
  readonly state?: WebhookState;
  /** All of these pairs. */
  readonly labels?: Readonly<Record<string, string>>;
}

/** A delivery to be made: its id, the webhook it goes to, and how its body is made. */
export interface NewDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly format: DeliveryFormat;
  readonly rendered?: Rendered;
}

/** An event with its deliveries. `run` says that they are runs, which a later run can supersede. */
export interface Publication {
  readonly event: Event;
  readonly deliveries: readonly NewDelivery[];
  readonly dueAt: number;
  readonly run: boolean;
  /** The caller's id (the event's `callerId`) is remembered until then, with a digest of the content. */
  readonly remember?: { readonly digest: string; readonly until: number };
  /** Webhooks whose filter failed on the event. */
  readonly filterFailures?: readonly string[];
}

export type PublishResult =
  | { readonly kind: 'PUBLISHED'; readonly deliveries: number }
  | { readonly kind: 'DUPLICATE'; readonly eventId: string; readonly deliveries: number }
  | { readonly kind: 'CONFLICT' }
  | { readonly kind: 'FULL'; readonly scope: 'NAMESPACE' | 'ALL' };

export interface TypeMatch {
  readonly namespace: string;
  readonly type: string;
}

/** A new delivery of an event that is there. */
export interface Replay {
  /** The event's internal id. */
  readonly eventId: string;
  readonly delivery: NewDelivery;
  /** The delivery that it repeats, if there was one. */
  readonly replayOf?: string;
  readonly now: number;
}

export interface EventKey {
  readonly namespace: string;
  /** The id that readers see. */
  readonly id: string;
}

export interface EventQuery {
  readonly namespace: string;
  /** Only internal ids less than this. */
  readonly before?: string;
  readonly limit: number;
  readonly type?: TypePattern;
  /** Published at this time or later, and before that one. */
  readonly since?: number;
  readonly until?: number;
  /** Oldest first instead, and only internal ids greater than `after`. */
  readonly ascending?: boolean;
  readonly after?: string;
}

/** A type, or types that begin so (`order.` of `order.*`). */
export type TypePattern = { readonly exact: string } | { readonly prefix: string };

/** One delivery that a caller wants something of. A namespace that is not its own makes it unknown. */
export interface DeliveryOrder {
  readonly namespace: string;
  readonly id: string;
  readonly now: number;
}

export interface ChangeQuery {
  readonly namespace: string;
  readonly after?: number;
  readonly limit: number;
}

export interface UpcomingRun {
  readonly webhookId: string;
  readonly dueAt: number;
}

export interface RunFiring {
  readonly webhookId: string;
  readonly version: number;
  /** The nominal time the cursor must have. */
  readonly from: number;
  readonly to: RunCursor;
  readonly overlap: OverlapPolicy;
  readonly now: number;
  /** None when every missed run is skipped. */
  readonly runs: readonly { readonly event: Event; readonly delivery: NewDelivery }[];
}

export interface WaitingPoll {
  readonly deliveries: readonly WaitingDelivery[];
  /** Bodies of their events, as far as they were at hand; the others are read with `getEventBodies`. */
  readonly events: readonly EventBody[];
  /** Lanes of which rows were left out, because too much became visible at once. */
  readonly topUp: readonly string[];
  /**
   * Lanes of which callers had deliveries sent again (`retryDeliveries`), with the ord of the last: these need
   * not wait for the breaker. A hint that a crash loses.
   */
  readonly retried: readonly { readonly webhookId: string; readonly ord: number }[];
}

export interface WebhookPoll {
  /** Ids of webhooks that were created, changed (their version or their cursor by a caller), or removed. */
  readonly changed: readonly string[];
  /** Set when changes were left out: whoever remembers webhooks must forget them all. */
  readonly overflowed: boolean;
}

export interface TopUp {
  readonly webhookId: string;
  readonly limit: number;
  readonly ordered: boolean;
}

export interface ToppedUp {
  readonly webhookId: string;
  readonly deliveries: readonly WaitingDelivery[];
  readonly more: number | null;
}

export interface Settlement {
  readonly delivery: WaitingDelivery;
  /** The attempt that was made; undefined when it was cancelled without one. */
  readonly attempt?: Attempt;
  readonly transition: Transition;
  readonly now: number;
}

export interface LaneChange {
  readonly webhookId: string;
  readonly health: LaneHealth;
  readonly disable?: DisabledReason;
  readonly now: number;
}

export interface DeliveryQuery {
  readonly namespace: string;
  /** Only ids less than this. */
  readonly before?: string;
  readonly limit: number;
  readonly webhookId?: string;
  readonly state?: DeliveryState;
  /** The event's id as readers see it. */
  readonly eventId?: string;
  readonly eventType?: TypePattern;
  /** Created at this time or later, and before that one. */
  readonly since?: number;
  readonly until?: number;
  /** The status code of the last answer, both ends included; one without an answer does not match. */
  readonly lastStatus?: { readonly from: number; readonly to: number };
  /** Oldest first instead, and only ids greater than `after`. */
  readonly ascending?: boolean;
  readonly after?: string;
}
