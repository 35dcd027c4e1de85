import type { EventBody } from '../domain/event.ts';

/**
 * Bodies of events at hand. The store hands most of them over with their deliveries; what was dropped
 * is read again when its turn comes.
 */
export interface Bodies {
  get(eventId: string): EventBody | undefined;
  add(body: EventBody): void;
  drop(eventId: string): void;
}

/** At most so many bytes; beyond, the longest held are dropped. */
const BODIES_BYTES_MAX = 16 * 1024 * 1024;
/** What an entry takes beside its body. */
const ENTRY_BYTES = 200;

export function createBodies(bytesMax: number = BODIES_BYTES_MAX): Bodies {
  const held = new Map<string, EventBody>();
  let bytes = 0;

  function drop(eventId: string): void {
    const body = held.get(eventId);
    if (body === undefined) return;
    held.delete(eventId);
    bytes -= sizeOf(body);
  }

  return {
    get: (eventId) => held.get(eventId),
    drop,
    add(body) {
      if (held.has(body.id) || sizeOf(body) > bytesMax) return;
      held.set(body.id, body);
      bytes += sizeOf(body);
      for (const id of held.keys()) {
        if (bytes <= bytesMax) break;
        drop(id);
      }
    },
  };
}

function sizeOf({ body }: EventBody): number {
  return ENTRY_BYTES + body.length;
}
