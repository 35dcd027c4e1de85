/** What waits, for the dispatcher. Which errors the port raises, and when, is said in `store.ts`. */
import type { Attempt } from '../domain/delivery/attempt.ts';
import type { Transition, WaitingDelivery } from '../domain/delivery/delivery.ts';
import type { LaneHealth } from '../domain/delivery/lane.ts';
import type { DeliveryFormat, EventBody, Rendered } from '../domain/event/event.ts';
import type { DisabledReason } from '../domain/webhook/webhook.ts';

export interface DeliveryQueue {
  /**
   * What became visible since the last poll: new waiting deliveries, and those whose row was changed by
   * someone other than the dispatcher. Every row is returned by a poll, or its webhook is named in
   * `topUp`. The first poll after a start also returns every delivery that was marked as ending before the
   * start and is not settled yet. Only one caller of a node may poll a store. Raises UNAVAILABLE.
   *
   * Where several nodes share a store, `query` says for which shards, and after which poll. Without a mark nothing is
   * returned but a mark to begin with: what is visible already is read by lane. Rows may be returned more than once.
   */
  pollWaiting(query?: PollQuery): Promise<WaitingPoll>;

  /**
   * Calls back when `pollWaiting` or `pollWebhooks` would return something. A hint: everything works by
   * polling alone. Returns a function that stops it. Raises nothing.
   */
  onVisible(listener: () => void): () => void;

  /**
   * The webhooks with anything waiting, by id ascending, with the earliest due time of each.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  waitingLanes(query: { after?: string; limit: number }): Promise<{ webhookId: string; dueAt: number }[]>;

  /**
   * For each lane the first `limit` waiting deliveries, by (due time, ord), or by (time of
   * first being due, ord) when `ordered`; `more` is the earliest due time among the rest (for an ordered lane, of
   * the next in that order), or null when that was all. A lane that is not ordered gets no runs that wait for their turn.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  topUp(lanes: readonly TopUp[]): Promise<ToppedUp[]>;

  /**
   * What requests need of these events, in the same order; undefined where there is none, or its data was
   * erased. Raises UNAVAILABLE and EXHAUSTED.
   */
  getEventBodies(ids: readonly string[]): Promise<(EventBody | undefined)[]>;

  /**
   * What was rendered for these deliveries, in the same order; undefined where nothing was.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  getRendered(deliveryIds: readonly string[]): Promise<(Rendered | undefined)[]>;

  /**
   * The lanes in which more waits than their webhooks, or the namespace, allow, at most `limit`, and how much more:
   * of a namespace the longest lanes (`overLongest`). Raises UNAVAILABLE and EXHAUSTED.
   */
  overflowing(limit: number): Promise<Overflowing[]>;

  /**
   * What of each lane is to be given up first, at most `limit`: its oldest deliveries, or its newest, as its webhook
   * says. Those that are to be given up already are not among them. Raises UNAVAILABLE and EXHAUSTED.
   */
  surplus(lanes: readonly { readonly webhookId: string; readonly limit: number }[]): Promise<Surplus[][]>;

  /**
   * Keeps what was made of events for waiting deliveries that are `toRender`, which they are no more; others are
   * left as they are. A retry finds it with `getRendered`. Raises UNAVAILABLE and EXHAUSTED.
   */
  keepMade(batch: readonly MadeDelivery[]): Promise<void>;

  /**
   * Writes what became of deliveries, with the attempts made, and how their lanes are. 'GONE' for a delivery
   * that keeps its state, so that only its attempt is recorded: it no longer waits, because its webhook was
   * removed (a success counts all the same), or it is to be CANCELLED for its `ending`, and a caller has had it
   * sent again since then. Where runs wait for the one that is finished, the next is due then, and appears in
   * `pollWaiting`. One that is to be tried again, while a run waits for it that supersedes, is marked as ending,
   * SUPERSEDED, and appears there too. A lane change is left out where the health began anew with a later version
   * than that for which the attempts were made. One with `disable` sets a webhook that is ACTIVE to DISABLED, with
   * a new version and update time.
   *
   * `node` is who sent them. Where it was buried, everything is 'DEAD' and nothing is written. To make the same call
   * again is to make it once.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  settle(
    batch: readonly Settlement[],
    lanes: readonly LaneChange[],
    node?: string,
  ): Promise<('SETTLED' | 'GONE' | 'DEAD')[]>;
}

export interface PollQuery {
  readonly shards: readonly number[];
  /** That of the poll before; undefined for the first. */
  readonly since: PollMark | undefined;
  /** What others have under way in these shards, by ord: of these it is asked whether that is over. */
  readonly held: readonly number[];
}

/** What a poll has seen. Only the store that made it can read it. */
export type PollMark = { readonly mark: unknown };

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
  /** Where the next poll goes on. A store with one node needs none. */
  readonly mark?: PollMark;
  /** Those of `held` that were settled, or can be settled no more, or have taken too long. */
  readonly over?: readonly number[];
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

/** A lane that is too long. */
export interface Overflowing {
  readonly webhookId: string;
  /** How many deliveries are to be given up. */
  readonly excess: number;
  /** The bound that is exceeded, and whose it is. */
  readonly bound: number;
  readonly of: 'WEBHOOK' | 'NAMESPACE';
}

/** A delivery that is to be given up because too much waits, and its event as readers know it. */
export interface Surplus {
  readonly delivery: WaitingDelivery;
  readonly eventType: string;
  readonly publicEventId: string;
}

/** What was made of its event for a delivery when that had its turn. */
export interface MadeDelivery {
  readonly delivery: Pick<WaitingDelivery, 'ord' | 'id'>;
  readonly format: DeliveryFormat;
  readonly rendered?: Rendered;
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
  /** Of the webhook, as it was when the attempt was made that this is known from. */
  readonly version: number;
  readonly health: LaneHealth;
  readonly disable?: DisabledReason;
  readonly now: number;
}
