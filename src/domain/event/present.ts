import { toRfc3339 } from '../rfc3339.ts';
import { dataOf, type EventData } from './data.ts';
import { type DeliveryFormat, type EventBody, presentedId, type Rendered } from './event.ts';
import { ATTRIBUTES, CLOUDEVENTS_HEADER_PREFIX } from './extensions.ts';
import { headerText } from './header-text.ts';
import { isCloudEvent } from './media-type.ts';

/** What goes out for a delivery: the same bytes and headers in every attempt. */
export interface Presented {
  readonly body: Uint8Array;
  readonly contentType: string;
  /** Extra headers, names in lower case. Of one name the last wins: the event's own, what was rendered, CloudEvents'. */
  readonly headers: Readonly<Record<string, string>>;
}

/** The CloudEvents source of an event that names none: a URI reference to whoever made it (CloudEvents 1.0, `source`). */
const DEFAULT_SOURCE = '/carillon';

/**
 * The body of a delivery and the headers that come with it, as a pure function of its event, its format
 * and what was rendered for it at publish: nothing else is kept for a retry to repeat the same bytes. It
 * parses JSON data for some formats, so what it returns is worth keeping between deliveries of one event.
 */
export function present(event: EventBody, format: DeliveryFormat, rendered?: Rendered): Presented {
  const headers = headersOf(event, rendered);
  switch (format) {
    case 'BODY':
      return { body: event.body, contentType: event.contentType, headers };
    case 'RENDERED': {
      if (rendered?.body === undefined) throw new Error(`nothing was rendered of event ${event.id}`);
      return { body: rendered.body, contentType: rendered.contentType ?? event.contentType, headers };
    }
    case 'ENVELOPE':
      return { body: envelope(event), contentType: 'application/json', headers };
    case 'CLOUDEVENTS_BINARY':
      // Data of this media type would be taken for the event itself (HTTP protocol binding, 3).
      if (isCloudEvent(event.contentType)) return structured(event, headers);
      return {
        body: event.body,
        contentType: event.contentType,
        headers: {
          ...withoutAttributes(headers, (name) => ATTRIBUTES.has(name)),
          ...cloudEventHeaders(event),
        },
      };
    case 'CLOUDEVENTS_STRUCTURED':
      return structured(event, headers);
    default:
      return format satisfies never;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const NO_HEADERS: Readonly<Record<string, string>> = Object.freeze({});
const utf8 = new TextEncoder();

function headersOf(event: EventBody, rendered: Rendered | undefined): Readonly<Record<string, string>> {
  for (const _ in rendered?.headers) return { ...event.headers, ...rendered!.headers };
  for (const _ in event.headers) return event.headers;
  return NO_HEADERS;
}

function structured(event: EventBody, headers: Presented['headers']): Presented {
  return {
    body: cloudEvent(event),
    contentType: 'application/cloudevents+json; charset=utf-8',
    headers: withoutAttributes(headers, () => true),
  };
}

/** Events from before such headers were refused can have some that say something else of them than they do. */
function withoutAttributes(
  headers: Presented['headers'],
  isAttribute: (name: string) => boolean,
): Presented['headers'] {
  const isForged = (name: string) =>
    name.startsWith(CLOUDEVENTS_HEADER_PREFIX) && isAttribute(name.slice(CLOUDEVENTS_HEADER_PREFIX.length));
  if (!Object.keys(headers).some(isForged)) return headers;
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !isForged(name)));
}

/** The payload that Standard Webhooks 1.0.0 recommends ("Payload structure"). */
function envelope(event: EventBody): Uint8Array {
  const head = `{"type":${JSON.stringify(event.type)},"timestamp":"${toRfc3339(event.time)}","data":`;
  const data = dataOf(event);
  switch (data.kind) {
    case 'none':
      return utf8.encode(`${head}null}`);
    case 'json':
      return embed(head, event.body);
    case 'text':
      return utf8.encode(`${head}${JSON.stringify(data.text)}}`);
    case 'bytes':
      return utf8.encode(`${head}"${base64(data.bytes)}"}`);
    default:
      return data satisfies never;
  }
}

/** CloudEvents 1.0.2, JSON event format: `data` for JSON and text, `data_base64` for bytes (3.1.1). */
function cloudEvent(event: EventBody): Uint8Array {
  const attributes = {
    specversion: '1.0',
    id: presentedId(event),
    source: event.source || DEFAULT_SOURCE,
    type: event.type,
    time: toRfc3339(event.time),
    // The attributes that are optional must not be empty.
    ...(event.subject ? { subject: event.subject } : {}),
    ...event.extensions,
  };
  const data: EventData = dataOf(event);
  if (data.kind === 'none') return utf8.encode(JSON.stringify(attributes));
  const head = JSON.stringify({ ...attributes, datacontenttype: event.contentType }).slice(0, -1);
  switch (data.kind) {
    case 'json':
      return embed(`${head},"data":`, event.body);
    case 'text':
      return utf8.encode(`${head},"data":${JSON.stringify(data.text)}}`);
    case 'bytes':
      return utf8.encode(`${head},"data_base64":"${base64(data.bytes)}"}`);
    default:
      return data satisfies never;
  }
}

/** CloudEvents 1.0.2, HTTP protocol binding, binary content mode (3.1). */
function cloudEventHeaders(event: EventBody): Record<string, string> {
  const extensions = Object.entries(event.extensions ?? {}).map(
    ([name, value]) => [`${CLOUDEVENTS_HEADER_PREFIX}${name}`, headerText(value)] as const,
  );
  return {
    ...Object.fromEntries(extensions),
    'ce-specversion': '1.0',
    'ce-id': headerText(presentedId(event)),
    'ce-source': headerText(event.source || DEFAULT_SOURCE),
    'ce-type': headerText(event.type),
    'ce-time': toRfc3339(event.time),
    ...(event.subject ? { 'ce-subject': headerText(event.subject) } : {}),
  };
}

/** JSON that stands in JSON as it is, digit for digit and key for key, with `}` after it. */
function embed(head: string, json: Uint8Array): Uint8Array {
  const start = utf8.encode(head);
  const whole = new Uint8Array(start.length + json.length + 1);
  whole.set(start);
  whole.set(json, start.length);
  whole[whole.length - 1] = 0x7d;
  return whole;
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('base64');
}
