/**
 * Deliveries and events as callers see them, and what callers order about them. Which errors the port
 * raises, and when, is said in `store.ts`.
 */
import type { Delivery, DeliveryChange, DeliveryDetail, DeliveryState } from '../domain/delivery/delivery.ts';
import type { DeliveryFormat, EventBody, EventRecord, Rendered } from '../domain/event/event.ts';
import type { TypePattern } from '../domain/event/match.ts';
import type { Condition } from '../domain/listing/condition.ts';

export interface DeliveryLog {
  /**
   * Deliveries by id, descending: newest first, unless told otherwise. A long search is made in parts,
   * between which others may write. Raises UNAVAILABLE and EXHAUSTED.
   */
  listDeliveries(query: DeliveryQuery): Promise<Delivery[]>;

  /**
   * A part of that list, made in one go: it looks at a bounded number of rows, and can be short or empty
   * though more follows. Raises UNAVAILABLE and EXHAUSTED.
   */
  scanDeliveries(query: DeliveryQuery): Promise<Part<Delivery>>;

  /**
   * One delivery with its attempts, and what it waits for; undefined when there is none in the namespace. Raises
   * UNAVAILABLE and EXHAUSTED.
   */
  getDelivery(key: DeliveryKey): Promise<DeliveryDetail | undefined>;

  /**
   * The ids of the webhooks of deliveries of any namespace, in the same order; undefined where there is none. It serves
   * no caller: whoever receives what was sent finds its sender by it. Raises UNAVAILABLE and EXHAUSTED.
   */
  sendersOf(deliveryIds: readonly string[]): Promise<(string | undefined)[]>;

  /**
   * What the bodies of these deliveries are made of, in the same order; undefined where there is no such delivery,
   * where nothing was made for it yet, and where the event's data was erased. Raises UNAVAILABLE and EXHAUSTED.
   */
  getContents(keys: readonly DeliveryKey[]): Promise<(DeliveryContent | undefined)[]>;

  /**
   * What happened to deliveries of a namespace after `after`, oldest first. `next` is where to go on,
   * also when nothing was found. Without `after` nothing is returned but the present end. 'GAP' when what
   * follows `after` is no longer kept. Raises UNAVAILABLE and EXHAUSTED.
   */
  changesSince(query: ChangeQuery): Promise<{ changes: DeliveryChange[]; next: number } | 'GAP'>;

  /**
   * Calls back when `changesSince` may return something new. A hint: everything works by polling alone.
   * Returns a function that stops it. Raises nothing.
   */
  onChanges(listener: () => void): () => void;

  /**
   * Makes deliveries due at `now`: PENDING ones sooner, FAILED and CANCELLED ones again, with
   * `attemptsBefore` set to the number of attempts made so far, and `toRender` where something was rendered and the
   * request failed to be made (RENDER). They keep their places in ordered lanes, but for what was never due before,
   * which first becomes due now. They appear in `pollWaiting`. 'RETRIED', or 'WAITING' for one in an ordered lane of
   * which another goes first that is not due. 'SUCCEEDED' for one that was delivered, 'GONE' when the delivery is
   * unknown, its webhook is removed or its event's data erased. 'FULL' for one that does not wait, of a lane or a
   * namespace in which as much waits as may: it would overflow at once (`isFull`). Raises UNAVAILABLE and EXHAUSTED.
   */
  retryDeliveries(batch: readonly DeliveryOrder[]): Promise<Retried[]>;

  /**
   * Marks PENDING deliveries as ending, REQUESTED; they appear in `pollWaiting` again, and the dispatcher
   * settles them. 'FINISHED' for one that is not PENDING any more, 'GONE' when there is none.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  cancelDeliveries(batch: readonly DeliveryOrder[]): Promise<('CANCELLING' | 'FINISHED' | 'GONE')[]>;

  /**
   * The internal ids of the events that readers know by these, in the same order; undefined where there is
   * none. Raises UNAVAILABLE and EXHAUSTED.
   */
  resolveEvents(keys: readonly EventKey[]): Promise<(string | undefined)[]>;

  /**
   * Events by the id that readers see, in the same order; undefined where there is none.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  getEvents(keys: readonly EventKey[]): Promise<(EventRecord | undefined)[]>;

  /**
   * Events by internal id, descending: newest first, unless told otherwise. Their `body` is empty.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  listEvents(query: EventQuery): Promise<EventRecord[]>;

  /** A part of that list, as `scanDeliveries` gives one. Raises UNAVAILABLE and EXHAUSTED. */
  scanEvents(query: EventQuery): Promise<Part<EventRecord>>;

  /**
   * Erases an event's data: its body and headers, what was rendered of it, and the headers and answers of
   * its attempts, also of one in flight. Its waiting deliveries are marked as ending, PURGED, and appear
   * in `pollWaiting`. Returns how many.
   * Raises UNAVAILABLE and EXHAUSTED.
   */
  purgeEvents(keys: readonly EventKey[]): Promise<('GONE' | { cancelled: number })[]>;
}

/** What is sent for a delivery, as `present` takes it. */
export interface DeliveryContent {
  readonly event: EventBody;
  readonly format: DeliveryFormat;
  readonly rendered?: Rendered;
}

/** What a list of deliveries and one of events have in common. Ids are internal ones. */
interface ListRange {
  readonly namespace: string;
  /** Only ids less than this. */
  readonly before?: string;
  readonly limit: number;
  /** Made at this time or later, and before that one. */
  readonly since?: number;
  readonly until?: number;
  /** Oldest first instead, and only ids greater than `after`. */
  readonly ascending?: boolean;
  readonly after?: string;
  /** Only those for which this is true. What no other field of the query says is judged row by row. */
  readonly where?: Condition;
}

/** A part of a list. */
export interface Part<Row> {
  readonly rows: readonly Row[];
  /** The place beyond which to go on; null at the end. */
  readonly next: string | null;
  /** How many entries of the list were looked at. */
  readonly looked: number;
}

export interface DeliveryQuery extends ListRange {
  readonly webhookId?: string;
  /** In this state, or in one of these. */
  readonly state?: DeliveryState | readonly DeliveryState[];
  /** The event's internal id. */
  readonly eventId?: string;
  readonly eventType?: TypePattern;
  /** The status code of the last answer, both ends included; one without an answer does not match. */
  readonly lastStatus?: { readonly from: number; readonly to: number };
}

export interface EventQuery extends ListRange {
  readonly type?: TypePattern;
}

export interface ChangeQuery {
  readonly namespace: string;
  readonly after?: number;
  readonly limit: number;
}

/** What became of an order to send a delivery again. */
export type Retried = 'RETRIED' | 'WAITING' | 'SUCCEEDED' | 'FULL' | 'GONE';

/** A delivery as a caller names it. In another namespace than its own it is unknown. */
export interface DeliveryKey {
  readonly namespace: string;
  readonly id: string;
}

/** One delivery that a caller wants something of. */
export interface DeliveryOrder extends DeliveryKey {
  readonly now: number;
  /**
   * Of a retry that may have been carried out before: only if the delivery was finished by this time. One that was
   * finished later is taken for RETRIED and left as it is.
   */
  readonly finishedBy?: number;
}

export interface EventKey {
  readonly namespace: string;
  /** The id that readers see. */
  readonly id: string;
}
