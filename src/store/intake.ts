/**
 * How events, runs and their deliveries come in. Which errors the port raises, and when, is said in
 * `store.ts`.
 */
import type { DeliveryFormat, Event, Rendered } from '../domain/event/event.ts';
import type { RunCursor } from '../domain/schedule/schedule.ts';

export interface Intake {
  /**
   * Inserts events with their deliveries, due at `dueAt`. A delivery to a webhook that is gone, or is of another
   * namespace, is left out. SHUT where the namespace takes no such event (`takesEvent`), DELETING also of one that was deleted. A caller's id names one event, in its namespace, for as long as that is kept and until its `remember`
   * says. Meanwhile the same id is DUPLICATE for the same digest, with the first event's own id and its
   * number of deliveries then, and CONFLICT for another. FULL when more deliveries would wait in all than the
   * store allows, which `hasRoom` decides for every adapter; lanes that become too long are for `overflowing`. What is
   * not PUBLISHED changes nothing. Filter failures are counted whatever else happens.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  publish(batch: readonly Publication[]): Promise<PublishResult[]>;

  /**
   * Makes new deliveries of events that are stored: 'REPLAYED', or 'GONE' when the event or the webhook
   * does not exist or is of another namespace than the event, the event's data was erased, or the namespace is not
   * ACTIVE; or 'FULL' when there is no room (`hasRoomAgain`). Raises UNAVAILABLE and EXHAUSTED.
   */
  replay(batch: readonly Replay[]): Promise<('REPLAYED' | 'GONE' | 'FULL')[]>;

  /**
   * ACTIVE webhooks whose next run is due before `before`, soonest first, at most `limit`, after the given
   * place. Raises UNAVAILABLE and EXHAUSTED.
   */
  upcomingRuns(query: { before: number; limit: number; after?: UpcomingRun }): Promise<UpcomingRun[]>;

  /**
   * Fires runs by compare-and-set: a firing whose webhook is gone, not ACTIVE, has another version,
   * or whose cursor's nominal time is no longer `from` changes nothing and is 'STALE'; so does one with runs whose
   * namespace is not ACTIVE. Otherwise it is
   * 'FIRED': the cursor becomes `to`, and its events and deliveries are inserted, but for a run whose event
   * id exists already; where there are runs and all of them exist, it is 'KNOWN' instead.
   *
   * `onOverlap` says what happens if there are runs to insert while an earlier run of the webhook waits:
   * - ALLOW: nothing else.
   * - SUPERSEDE: unless nothing new is inserted, the earlier ones that are not ending yet are marked as ending,
   *   SUPERSEDED, and appear in `pollWaiting` again. One that was inserted by SUPERSEDE_IN_TURN and never
   *   attempted is not, and the new ones wait for it as with BUFFER.
   * - SUPERSEDE_IN_TURN: as SUPERSEDE, and each new run waits for its turn as with BUFFER.
   * - SKIP: nothing is inserted, the cursor becomes the one that SKIP gives, and the firing is 'SKIPPED'.
   * - BUFFER: each new run waits for its turn, until `settle` has finished all that came before it, those of the
   *   same firing too; where more than `waitingMax` runs would wait, it is as with SKIP.
   *
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  fireRuns(batch: readonly RunFiring[]): Promise<('FIRED' | 'KNOWN' | 'SKIPPED' | 'STALE')[]>;

  /**
   * ACTIVE webhooks whose cursor was moved last at a time later than `movedAfter`, or was computed with other time
   * zone rules than `zoneRules`. Those with a run to come are soonest first, after the given place; then come those
   * that have none. It looks at a bounded number of webhooks: `next` is where to go on, absent at the end.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  cursorsToRenew(query: RenewalQuery): Promise<{ webhookIds: string[]; next?: UpcomingRun }>;

  /**
   * Replaces run cursors by compare-and-set: one whose webhook is gone, not ACTIVE, has another version, or whose
   * cursor's nominal time is no longer `from` stays and is 'STALE'. Like a firing, it is no change of the webhook.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  moveCursors(batch: readonly CursorMove[]): Promise<('MOVED' | 'STALE')[]>;

  /**
   * Inserts runs whose time has passed, in their order, and leaves the cursor alone. 'STALE' where the webhook
   * is gone, not ACTIVE, or has another version, or its namespace is not ACTIVE, and nothing is changed. Otherwise there is a result for each
   * run: 'FIRED'; 'KNOWN' where its event exists already; 'FULL' for the first for which there is no room and
   * all that follow. Raises UNAVAILABLE and EXHAUSTED.
   */
  backfillRuns(batch: readonly Backfill[]): Promise<('STALE' | ('FIRED' | 'KNOWN' | 'FULL')[])[]>;
}

/** A delivery to be made: its id, the webhook it goes to, and how its body is made. */
export interface NewDelivery {
  readonly id: string;
  readonly webhookId: string;
  readonly format: DeliveryFormat;
  readonly rendered?: Rendered;
  /** It could not be made of its event: it is to be made when it has its turn. */
  readonly toRender?: true;
}

/** An event with its deliveries. `run` says that they are runs, which a later run can supersede. */
export interface Publication {
  readonly event: Event;
  readonly deliveries: readonly NewDelivery[];
  readonly dueAt: number;
  readonly run: boolean;
  /**
   * A digest of the content, and until when the caller's id is taken at least. Of an event with a `callerId`,
   * and of no other.
   */
  readonly remember?: { readonly digest: string; readonly until: number };
  /** Webhooks whose filter failed on the event. */
  readonly filterFailures?: readonly string[];
}

export type PublishResult =
  | { readonly kind: 'PUBLISHED'; readonly deliveries: number }
  | { readonly kind: 'DUPLICATE'; readonly eventId: string; readonly deliveries: number }
  | { readonly kind: 'CONFLICT' }
  | { readonly kind: 'FULL' }
  | { readonly kind: 'SHUT'; readonly state: 'SUSPENDED' | 'DELETING' };

/** A new delivery of an event that is stored. */
export interface Replay {
  /** The event's internal id. */
  readonly eventId: string;
  readonly delivery: NewDelivery;
  /** The delivery that it repeats, if there was one. */
  readonly replayOf?: string;
  readonly now: number;
  /** It may have been made before: one that is there already counts as REPLAYED, and nothing is done. */
  readonly again?: boolean;
}

export interface UpcomingRun {
  readonly webhookId: string;
  readonly dueAt: number;
}

export interface RenewalQuery {
  readonly movedAfter: number;
  readonly zoneRules: string;
  readonly after?: UpcomingRun;
}

export interface CursorMove {
  readonly webhookId: string;
  readonly version: number;
  /** The nominal time that the cursor must have. */
  readonly from: number | null;
  readonly to: RunCursor;
}

/** What a firing does while an earlier run of its webhook waits. If it is skipped the cursor becomes this `to`. */
export type OnOverlap =
  | { readonly policy: 'ALLOW' | 'SUPERSEDE' }
  | { readonly policy: 'SKIP'; readonly to: RunCursor }
  | {
      readonly policy: 'BUFFER' | 'SUPERSEDE_IN_TURN';
      readonly to: RunCursor;
      /** How many runs may wait, the one that has its turn included. */
      readonly waitingMax: number;
    };

export interface RunFiring {
  readonly webhookId: string;
  readonly version: number;
  /** The nominal time the cursor must have. */
  readonly from: number;
  readonly to: RunCursor;
  readonly onOverlap: OnOverlap;
  readonly now: number;
  /** None when every missed run is skipped. */
  readonly runs: readonly NewRun[];
}

/** A run to be made: an event with its one delivery. */
export interface NewRun {
  readonly event: Event;
  readonly delivery: NewDelivery;
}

/** Runs of a span that has passed. */
export interface Backfill {
  readonly webhookId: string;
  readonly version: number;
  /** With which other runs of the webhook they take turns: those of its schedule, or only those of backfills. */
  readonly takeTurns: 'WITH_SCHEDULE' | 'APART' | 'NEVER';
  /** How many of those may wait. */
  readonly waitingMax: number;
  readonly now: number;
  readonly runs: readonly NewRun[];
}
