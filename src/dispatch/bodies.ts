import type { DeliveryFormat, EventBody, Rendered } from '../domain/event/event.ts';
import { type Presented, present } from '../domain/event/present.ts';
import type { Random } from '../domain/random.ts';

/**
 * Events in memory, and the bodies that are sent of them. The store hands most events over with their
 * deliveries; one that was dropped is read again when its delivery has its turn. An event that goes to ten
 * thousand webhooks is put into each format once.
 */
export interface Bodies {
  get(eventId: string): HeldEvent | undefined;
  /** Keeps an event, if there is room, and returns it. */
  add(event: EventBody): HeldEvent;
  /** The body and headers to send. What is the same for all deliveries in a format is made once. */
  present(held: HeldEvent, format: DeliveryFormat, rendered?: Rendered): Presented;
  /** Notes that a delivery of the event is in memory. */
  hold(eventId: string): void;
  /** Notes that a delivery of the event is finished. After the last one the event is dropped. */
  release(eventId: string): void;
  /** Drops an event whose data was erased, even if deliveries of it are in memory. */
  drop(eventId: string): void;
}

export interface HeldEvent {
  readonly event: EventBody;
  readonly forms: Partial<Record<DeliveryFormat, Presented>>;
  bytes: number;
  /** Its index in the list of all that are kept; undefined once it was dropped. */
  place: number | undefined;
  /** Deliveries of it in memory. The count may be too low; then the event is dropped early and read again. */
  holds: number;
}

/** The most bytes that are kept; beyond that, events are dropped. */
const BODIES_BYTES_MAX = 16 * 1024 * 1024;
/** What an event takes in memory beside its bodies. */
const ENTRY_BYTES = 500;

export function createBodies(random: Pick<Random, 'unit'>, bytesMax: number = BODIES_BYTES_MAX): Bodies {
  const all = new Map<string, HeldEvent>();
  /** The same as a list, so that any of them can be picked. */
  const places: HeldEvent[] = [];
  let bytes = 0;

  function drop(held: HeldEvent): void {
    if (held.place === undefined) return;
    const last = places.pop()!;
    if (last !== held) {
      places[held.place] = last;
      last.place = held.place;
    }
    held.place = undefined;
    all.delete(held.event.id);
    bytes -= held.bytes;
  }

  /**
   * Drops events at random until there is room. Dropping the oldest would be wrong: deliveries are sent in
   * the order in which they came, so if more wait than there is room for, each event would be dropped right
   * before its turn. Dropping the newest would be wrong too: the events of destinations that hang would keep
   * all the room.
   */
  function makeRoom(): void {
    while (bytes > bytesMax) drop(places[Math.floor(random.unit() * places.length)]!);
  }

  function keepForm(held: HeldEvent, format: DeliveryFormat, form: Presented): void {
    held.forms[format] = form;
    if (form.body === held.event.body) return;
    held.bytes += form.body.length;
    if (held.place === undefined) return;
    bytes += form.body.length;
    makeRoom();
  }

  function presentOnce(held: HeldEvent, format: DeliveryFormat): Presented {
    const known = held.forms[format];
    if (known !== undefined) return known;
    const form = present(held.event, format);
    keepForm(held, format, form);
    return form;
  }

  return {
    get: (eventId) => all.get(eventId),
    add(event) {
      const known = all.get(event.id);
      if (known !== undefined) return known;
      const size = ENTRY_BYTES + event.body.length;
      const held: HeldEvent = { event, forms: {}, bytes: size, place: places.length, holds: 0 };
      all.set(event.id, held);
      places.push(held);
      bytes += held.bytes;
      makeRoom();
      return held;
    },
    present(held, format, rendered) {
      if (rendered === undefined) return presentOnce(held, format);
      // Only the headers are this delivery's own. The body, which takes time to make, is shared with others.
      if (format !== 'ENVELOPE' && format !== 'CLOUDEVENTS_STRUCTURED')
        return present(held.event, format, rendered);
      const form = presentOnce(held, format);
      return { ...form, headers: { ...form.headers, ...rendered.headers } };
    },
    hold(eventId) {
      const held = all.get(eventId);
      if (held !== undefined) held.holds++;
    },
    release(eventId) {
      const held = all.get(eventId);
      if (held !== undefined && --held.holds <= 0) drop(held);
    },
    drop(eventId) {
      const held = all.get(eventId);
      if (held !== undefined) drop(held);
    },
  };
}
