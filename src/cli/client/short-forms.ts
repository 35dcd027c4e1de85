import type { DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { durationInSeconds } from '../../domain/duration-text.ts';

/**
 * A file's JSON as ProtoJSON, which writes the values of enums in full and durations in seconds: the server takes
 * `SKIP` and `5m` as well, and so must a file. What is wrong is left as it is, to be said by whoever reads it.
 */
export function withoutShortForms(type: DescMessage, json: JsonValue): JsonValue {
  if (type.typeName === 'google.protobuf.Duration') {
    return typeof json === 'string' ? (durationInSeconds(json) ?? json) : json;
  }
  if (!isObject(json) || type.typeName.startsWith('google.protobuf.')) return json;
  const entries = Object.entries(json).map(([name, value]) => {
    const field = type.fields.find((each) => each.name === name || each.jsonName === name);
    return [name, field === undefined ? value : ofField(field, value)];
  });
  return Object.fromEntries(entries);
}

function ofField(field: DescField, json: JsonValue): JsonValue {
  switch (field.fieldKind) {
    case 'list':
      return Array.isArray(json) ? json.map((item) => single(field, item)) : json;
    case 'map':
      return isObject(json)
        ? Object.fromEntries(Object.entries(json).map(([key, value]) => [key, single(field, value)]))
        : json;
    default:
      return single(field, json);
  }
}

function single({ message, enum: type }: DescField, json: JsonValue): JsonValue {
  if (message !== undefined) return withoutShortForms(message, json);
  if (type === undefined || typeof json !== 'string') return json;
  const full = (type.sharedPrefix?.toUpperCase() ?? '') + json;
  return type.values.some(({ name }) => name === full) ? full : json;
}

function isObject(json: JsonValue): json is JsonObject {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}
