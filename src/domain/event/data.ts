import { decodeText } from './charset.ts';
import type { EventBody } from './event.ts';
import { contentKind } from './media-type.ts';

/**
 * What an event tells, by its media type: JSON if it is declared to be and is; text if it is declared to
 * be and is, in the charset that is named, or UTF-8; otherwise bytes. An empty body is no data.
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

/** Reads an event's data. It takes time: see `OpenedEvent`. */
export function dataOf({ contentType, body }: Pick<EventBody, 'contentType' | 'body'>): EventData {
  if (body.length === 0) return { kind: 'none' };
  const kind = contentKind(contentType);
  if (kind === 'BYTES') return { kind: 'bytes', bytes: body };
  const text = decodeText(body, contentType);
  if (text === undefined) return { kind: 'bytes', bytes: body };
  if (kind === 'TEXT') return { kind: 'text', text };
  try {
    // A byte order mark is refused here: what is embedded in other JSON must not have one.
    return { kind: 'json', text, value: JSON.parse(text) };
  } catch {
    return { kind: 'bytes', bytes: body };
  }
}
