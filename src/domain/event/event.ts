import type { Extensions } from './extensions.ts';

/** The type of the event that is a run of a schedule, or a trigger. */
export const RUN_EVENT_TYPE = 'carillon.run';

/** What types of Carillon's own begin with; nobody else may publish them. */
export const RESERVED_TYPE_PREFIX = 'carillon.';

/** The largest data of an event. */
export const EVENT_BYTES_MAX = 1024 * 1024;

/** Something to tell webhooks. Immutable. A run is one too, addressed to one webhook. */
export interface Event {
  /** Unique in the store, made by Carillon. */
  readonly id: string;
  /** The caller's id for it. It names this event, in its namespace, for as long as the event is kept. */
  readonly callerId?: string;
  /**
   * Its caller's id names another event, so readers know it by `id`. That is so only of old events, from before
   * an id could name but one.
   */
  readonly shadowed?: true;
  readonly namespace: string;
  readonly type: string;
  readonly source?: string;
  readonly subject?: string;
  /** When it happened, as its publisher says. */
  readonly time: number;
  /** The nominal time, for a scheduled run; undefined for a trigger, and for what was published. */
  readonly nominalAt?: number;
  readonly contentType: string;
  readonly body: Uint8Array;
  /** Extra request headers for each delivery of it, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Extension attributes of CloudEvents; undefined for none. */
  readonly extensions?: Extensions;
  readonly createdAt: number;
}

/** What a request needs of an event. */
export type EventBody = Omit<Event, 'namespace'>;

/** An event as a reader sees it. */
export interface EventRecord extends Event {
  /** Its data was erased; `body` is empty then. */
  readonly purged: boolean;
  /** Deliveries of it that are kept, waiting or finished. */
  readonly deliveryCount: number;
}

/**
 * Whether this is a run of which nothing could be made, since its webhook's templates failed. Whatever was
 * made has a media type.
 */
export function isUnmade({ type, contentType }: Pick<Event, 'type' | 'contentType'>): boolean {
  return type === RUN_EVENT_TYPE && contentType === '';
}

/** The id that readers see, and ask by. */
export function publicId(event: Pick<Event, 'id' | 'callerId' | 'shadowed'>): string {
  return event.shadowed ? event.id : presentedId(event);
}

/** The id that destinations see, which stays the same on every attempt and in every replay. */
export function presentedId({ id, callerId }: Pick<Event, 'id' | 'callerId'>): string {
  return callerId ?? id;
}

/**
 * How a delivery's body is made of its event. BODY is the event's own bytes: runs, and RAW. RENDERED
 * comes from a template, and is kept beside the delivery, because the template may change.
 */
export type DeliveryFormat =
  | 'BODY'
  | 'ENVELOPE'
  | 'CLOUDEVENTS_BINARY'
  | 'CLOUDEVENTS_STRUCTURED'
  | 'RENDERED';

/** What templates made for one delivery, once. */
export interface Rendered {
  /** The body and its media type, for the format RENDERED. */
  readonly body?: Uint8Array;
  readonly contentType?: string;
  /** Extra request headers, names in lower case. */
  readonly headers: Readonly<Record<string, string>>;
}
