import type { CelInput } from '@bufbuild/cel';
import { timestampFromMs } from '@bufbuild/protobuf/wkt';
import type { OpenedEvent } from '../event/data.ts';
import { presentedId } from '../event/event.ts';
import { textMap } from './map.ts';

/** The most values that an event's data may hold to be filtered: members, elements and what they are in. */
export const DATA_VALUES_MAX = 20_000;
/** How deep they may be nested. */
export const DATA_DEPTH_MAX = 100;

/** `event` as a filter sees it. */
export type EventValue = ReadonlyMap<string, CelInput>;

/** The attributes alone. What was not said is empty text. */
export function attributesOf({ event }: OpenedEvent): EventValue {
  return new Map<string, CelInput>([
    ['id', presentedId(event)],
    ['type', event.type],
    ['source', event.source ?? ''],
    ['subject', event.subject ?? ''],
    ['time', timestampFromMs(event.time)],
    ['content_type', event.contentType],
    ['extensions', textMap(new Map(Object.entries(event.extensions ?? {})))],
  ]);
}

/** With the data: JSON (its numbers are doubles), text, bytes, or null for none. Raises an error when that is too much. */
export function eventValueOf(opened: OpenedEvent): EventValue {
  return new Map([...attributesOf(opened), ['data', dataValue(opened)]]);
}

function dataValue(opened: OpenedEvent): CelInput {
  const data = opened.data();
  switch (data.kind) {
    case 'none':
      return null;
    case 'json':
      return jsonValue(data.value, 1, { values: 0 });
    case 'text':
      return data.text;
    case 'bytes':
      return data.bytes;
    default:
      return data satisfies never;
  }
}

/** Objects become maps: as an object, one with a `$typeName` of its own would pass for a protobuf message. */
function jsonValue(json: unknown, depth: number, count: { values: number }): CelInput {
  count.values++;
  if (count.values > DATA_VALUES_MAX) throw new Error(`the data has more than ${DATA_VALUES_MAX} values`);
  if (depth > DATA_DEPTH_MAX) throw new Error(`the data is nested more than ${DATA_DEPTH_MAX} deep`);
  if (Array.isArray(json)) return json.map((element) => jsonValue(element, depth + 1, count));
  if (typeof json !== 'object' || json === null) return json as string | number | boolean | null;
  const map = new Map<string, CelInput>();
  for (const [key, member] of Object.entries(json)) map.set(key, jsonValue(member, depth + 1, count));
  return textMap(map);
}
