import { create, fromJson, type JsonValue, toJson } from '@bufbuild/protobuf';
import { type Timestamp, type Value, ValueSchema } from '@bufbuild/protobuf/wkt';
import {
  type Event as EventMessage,
  EventSchema,
  type PublishRequest,
} from '../../../gen/carillon/v1/event_pb.ts';
import { decodeText, encodeText } from '../../domain/event/charset.ts';
import { type EventRecord, publicId } from '../../domain/event/event.ts';
import { contentKind } from '../../domain/event/media-type.ts';
import type { EventDraft } from '../../domain/event/rules.ts';
import type { Problems } from '../../domain/problems.ts';
import { valueJsonFault } from './json-value.ts';
import { cutNanosOf, fromDuration, fromTimestamp, toTimestamp } from './time.ts';

/**
 * An event as its publisher gave it. Where something cannot be made out a problem is noted and something
 * stands in for it, so that the rest can still be judged.
 */
export function draftFrom(
  event: EventMessage,
  due: PublishRequest['due'],
  { namespace, problems }: { namespace: string; problems: Problems },
): EventDraft {
  const deliver = deliverFrom(due, problems);
  return {
    namespace,
    ...(event.id !== '' && { callerId: event.id }),
    type: event.type,
    ...(event.source !== '' && { source: event.source }),
    ...(event.subject !== '' && { subject: event.subject }),
    ...(event.time !== undefined && timeFrom(event.time, problems)),
    data: dataFrom(event, problems),
    ...(event.contentType !== '' && { contentType: event.contentType }),
    headers: event.headers,
    ...(Object.keys(event.extensions).length > 0 && { extensions: event.extensions }),
    ...(deliver !== undefined && { deliver }),
  };
}

/** An event without its data. */
export function eventTo(event: EventRecord): EventMessage {
  return create(EventSchema, {
    id: publicId(event),
    namespace: event.namespace,
    type: event.type,
    source: event.source ?? '',
    subject: event.subject ?? '',
    time: toTimestamp(event.time),
    contentType: event.contentType,
    headers: Object.fromEntries(Object.entries(event.headers)),
    extensions: Object.fromEntries(Object.entries(event.extensions ?? {})),
    createTime: toTimestamp(event.createdAt),
    purged: event.purged,
    ...(event.nominalAt !== undefined && { scheduledTime: toTimestamp(event.nominalAt) }),
  });
}

/**
 * The data of an event, so that publishing what is read here gives the same bytes again: as json if it is
 * JSON of exactly the bytes that json would become; as text if it is meant to be read and can be, in its charset;
 * otherwise as bytes. Empty data is none.
 */
export function dataTo({
  body,
  contentType,
}: Pick<EventRecord, 'body' | 'contentType'>): EventMessage['data'] {
  if (body.length === 0) return { case: undefined };
  const bytes = { case: 'bytes', value: new Uint8Array(body) } as const;
  const kind = contentKind(contentType);
  if (kind === 'BYTES') return bytes;
  const text = decodeText(body, contentType);
  if (text === undefined) return bytes;
  const json = kind === 'JSON' ? valueFrom(text) : undefined;
  return json === undefined ? { case: 'text', value: text } : { case: 'json', value: json };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const encoder = new TextEncoder();
const NO_BYTES = new Uint8Array();

function timeFrom(time: Timestamp, problems: Problems): Pick<EventDraft, 'time' | 'timeCutNanos'> {
  const cut = cutNanosOf(time);
  return { time: fromTimestamp(time, 'event.time', problems), ...(cut !== 0 && { timeCutNanos: cut }) };
}

function dataFrom({ data, contentType }: EventMessage, problems: Problems): EventDraft['data'] {
  switch (data.case) {
    case 'json':
      return { kind: 'json', body: jsonBytes(data.value, problems) };
    case 'text':
      return { kind: 'text', body: textBytes(data.value, contentType, problems) };
    case 'bytes':
      return { kind: 'bytes', body: data.value };
    case undefined:
      return { kind: 'none', body: NO_BYTES };
    default:
      return data satisfies never;
  }
}

function textBytes(text: string, contentType: string, problems: Problems): Uint8Array {
  const encoded = encodeText(text, contentType);
  if ('bytes' in encoded) return encoded.bytes;
  problems.add('event.text', encoded.fault);
  return NO_BYTES;
}

function jsonBytes(value: Value, problems: Problems): Uint8Array {
  const json = jsonOf(value);
  if (json === undefined) {
    problems.add(
      'event.json',
      'holds a value that is not set, or a number that JSON has not or is too large for double precision',
    );
    return NO_BYTES;
  }
  const complaint = valueJsonFault(json);
  if (complaint !== undefined) {
    problems.add('event.json', complaint);
    return NO_BYTES;
  }
  return encoder.encode(JSON.stringify(json));
}

function jsonOf(value: Value): JsonValue | undefined {
  try {
    return toJson(ValueSchema, value);
  } catch {
    return undefined;
  }
}

/** Undefined for what is no JSON, or would change by becoming a Value and JSON again. */
function valueFrom(text: string): Value | undefined {
  try {
    const json: JsonValue = JSON.parse(text);
    const same = JSON.stringify(json) === text;
    return same && valueJsonFault(json) === undefined ? fromJson(ValueSchema, json) : undefined;
  } catch {
    return undefined;
  }
}

function deliverFrom(time: PublishRequest['due'], problems: Problems): EventDraft['deliver'] | undefined {
  switch (time.case) {
    case 'deliverTime':
      return {
        at: fromTimestamp(time.value, 'deliver_time', problems),
        ...(cutNanosOf(time.value) !== 0 && { cutNanos: cutNanosOf(time.value) }),
      };
    case 'delay':
      return { afterMs: fromDuration(time.value, 'delay', problems) };
    case undefined:
      return undefined;
    default:
      return time satisfies never;
  }
}
