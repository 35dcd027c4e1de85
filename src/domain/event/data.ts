import type { EventBody } from './event.ts';
import { contentKind } from './media-type.ts';

/**
 * What an event tells, by its media type: JSON if it is declared to be and is; text if it is declared to
 * be and is UTF-8; otherwise bytes. An empty body is no data.
 */
export type EventData =
  | { readonly kind: 'none' }
  | { readonly kind: 'json'; readonly text: string; readonly value: unknown }
  | { readonly kind: 'text'; readonly text: string }
  | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/**
 * An event whose data is read at most once, for all the filters and templates that look at it. It is not
 * to be kept: what was parsed takes many times the room of the body.
 */
export interface OpenedEvent {
  readonly event: EventBody;
  data(): EventData;
}

export function openEvent(event: EventBody): OpenedEvent {
  let data: EventData | undefined;
  return {
    event,
    data() {
      data ??= dataOf(event);
      return data;
    },
  };
}

// A byte order mark is kept, and then refused by JSON.parse: what is embedded in other JSON must not have one.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Reads an event's data. It takes time: see `OpenedEvent`. */
export function dataOf({ contentType, body }: Pick<EventBody, 'contentType' | 'body'>): EventData {
  if (body.length === 0) return { kind: 'none' };
  const kind = contentKind(contentType);
  if (kind === 'BYTES') return { kind: 'bytes', bytes: body };
  try {
    const text = utf8.decode(body);
    return kind === 'TEXT' ? { kind: 'text', text } : { kind: 'json', text, value: JSON.parse(text) };
  } catch {
    return { kind: 'bytes', bytes: body };
  }
}
