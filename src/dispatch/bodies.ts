import type { DeliveryFormat, EventBody, Rendered } from '../domain/event/event.ts';
import { type Presented, present } from '../domain/event/present.ts';
import type { Random } from '../domain/random.ts';

/**
 * Events at hand, and what goes out of them. The store hands most of them over with their deliveries; what
 * was dropped is read again when its turn comes. An event that goes to ten thousand webhooks is put into
 * each format once.
 */
export interface Bodies {
  get(eventId: string): HeldEvent | undefined;
  /** Keeps an event, if there is room, and returns it. */
  add(event: EventBody): HeldEvent;
  /** What goes out of an event; what is not rendered is made once. */
  present(held: HeldEvent, format: DeliveryFormat, rendered?: Rendered): Presented;
  /** Notes that a delivery of it is in memory. */
  hold(eventId: string): void;
  /** Notes that one is finished. With the last, the event is dropped. */
  release(eventId: string): void;
  /** Drops an event, whoever holds it: its data was erased. */
  drop(eventId: string): void;
}

export interface HeldEvent {
  readonly event: EventBody;
  readonly forms: Partial<Record<DeliveryFormat, Presented>>;
  bytes: number;
  /** Where it is among those that are kept for others; undefined when it is not. */
  place: number | undefined;
  /** Deliveries of it in memory, as far as it is known: with too few it is read again, no more. */
  holds: number;
}

/** At most so many bytes; beyond, some are dropped. */
const BODIES_BYTES_MAX = 16 * 1024 * 1024;
/** What an entry takes beside its bodies. */
const ENTRY_BYTES = 500;

export function createBodies(random: Pick<Random, 'unit'>, bytesMax: number = BODIES_BYTES_MAX): Bodies {
  const all = new Map<string, HeldEvent>();
  /** The same, to take one from anywhere. */
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
   * Drops any. Not the longest held: deliveries go out in the order in which they came, so
   * with more waiting than there is room for, each would be dropped right before its turn. Not the latest
   * either, or destinations that hang would keep the room from all others.
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
      // What is rendered is this delivery's own; the body is not, where making it takes any time.
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
