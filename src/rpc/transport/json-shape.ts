import { type DescEnum, type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { DURATION_FORMS, durationInSeconds } from '../../domain/duration-text.ts';
import type { FieldViolation } from '../../domain/error.ts';
import { nearest } from '../../domain/nearest.ts';
import { echoName, entry, join, noProblems, type Problems } from '../../domain/problems.ts';
import { isRealTime } from '../../domain/rfc3339.ts';
import { quote } from '../../domain/text.ts';
import { behaves } from '../field-behavior.ts';
import { farMax, tooMany } from '../field-bounds.ts';
import { got, scalarJsonFault } from './json-scalar.ts';

/**
 * Puts a JSON value into the form that protobuf-es reads as a message, in place, and returns what is wrong with it.
 * Callers may write the values of enums without their prefix, and durations with other units than seconds.
 *
 * protobuf-es stops at the first mistake and names it by its type; this names every one by its path. What is
 * looked at is bounded by the depth of the message's type and by `PROBLEMS_MAX`. Prototype keys are harmless:
 * names are only looked up in maps.
 */
export function normalizeJson(message: DescMessage, json: unknown, path = ''): readonly FieldViolation[] {
  const problems = noProblems();
  normalizeMessage(message, json, path, problems);
  return problems.list();
}

/** Returns what stands in the value's place, which is the value itself unless it was written in another form. */
function normalizeMessage(message: DescMessage, json: unknown, path: string, problems: Problems): unknown {
  if (message.typeName === DURATION) return normalizeDuration(json, path, problems);
  const special = SPECIAL.get(message.typeName);
  if (special !== undefined) {
    const complaint = special(json, path);
    if (complaint !== undefined) problems.add(path, complaint);
    return json;
  }
  if (!isObject(json)) {
    problems.add(path, `must be a JSON object${formOf(message)}${got(json, path)}`);
    return json;
  }
  const fields = fieldsOf(message);
  const seen = new Map<string, string>();
  for (const [name, value] of Object.entries(json)) {
    if (problems.full()) return json;
    const field = fields.get(name);
    if (field === undefined) {
      problems.add(join(path, echoName(name)), unknownField(message, name), 'UNKNOWN_FIELD');
      continue;
    }
    const at = join(path, field.name);
    // `time_zone` and `timeZone` are the same field; two members of a oneof exclude each other.
    if (seen.has(field.name)) problems.add(at, `is given twice, as ${seen.get(field.name)} and ${name}`);
    seen.set(field.name, name);
    // To a google.protobuf.Value null is a value; to everything else it is nothing.
    if (value === null && field.message?.typeName !== VALUE) continue;
    if (field.oneof !== undefined) {
      const other = seen.get(`oneof ${field.oneof.name}`);
      if (other !== undefined) problems.add(at, `excludes ${other}; give one of them`);
      seen.set(`oneof ${field.oneof.name}`, field.name);
    }
    const normal = normalizeField(field, value, at, problems);
    if (normal !== value) json[name] = normal;
  }
  return json;
}

function normalizeField(field: DescField, json: unknown, path: string, problems: Problems): unknown {
  switch (field.fieldKind) {
    case 'list':
      if (Array.isArray(json)) normalizeList(field, json, path, problems);
      else problems.add(path, `must be a JSON array${got(json, path)}`);
      break;
    case 'map':
      if (isObject(json)) normalizeMap(field, json, path, problems);
      else problems.add(path, `must be a JSON object${got(json, path)}`);
      break;
    case 'scalar':
    case 'enum':
    case 'message':
      return normalizeValue(field, json, path, problems);
    default:
      field satisfies never;
  }
  return json;
}

function normalizeList(field: DescField, items: unknown[], path: string, problems: Problems): void {
  if (items.length > farMax(field)) {
    problems.add(path, tooMany(field), 'TOO_MUCH_IN_FIELD');
    return;
  }
  for (const [index, item] of items.entries()) {
    if (problems.full()) return;
    items[index] = normalizeItem(field, item, `${path}[${index}]`, problems);
  }
}

/** All of our maps have string keys. */
function normalizeMap(
  field: DescField,
  map: Record<string, unknown>,
  path: string,
  problems: Problems,
): void {
  const entries = Object.entries(map);
  if (entries.length > farMax(field)) {
    problems.add(path, tooMany(field), 'TOO_MUCH_IN_FIELD');
    return;
  }
  for (const [key, value] of entries) {
    if (problems.full()) return;
    const at = entry(path, key);
    if (!key.isWellFormed()) problems.add(at, 'its key must be valid Unicode, without lone surrogates');
    const normal = normalizeItem(field, value, at, problems);
    // Not by assignment, which `__proto__` would get past.
    if (normal !== value) Object.defineProperty(map, key, { ...PLAIN, value: normal });
  }
}

const PLAIN = { enumerable: true, configurable: true, writable: true };

function normalizeItem(field: DescField, json: unknown, path: string, problems: Problems): unknown {
  if (json !== null) return normalizeValue(field, json, path, problems);
  problems.add(path, 'must not be null');
  return json;
}

/** A single value of the field's type. */
function normalizeValue(field: DescField, json: unknown, path: string, problems: Problems): unknown {
  if (field.message !== undefined) return normalizeMessage(field.message, json, path, problems);
  if (field.enum !== undefined) return normalizeEnum(field.enum, json, path, problems);
  const complaint = scalarJsonFault(field.scalar, json, path);
  if (complaint !== undefined) problems.add(path, complaint);
  return json;
}

/** A name in full, or without the prefix that all have; or the number. */
function normalizeEnum(type: DescEnum, json: unknown, path: string, problems: Problems): unknown {
  if (typeof json === 'number' && Number.isInteger(json)) return json;
  const prefix = type.sharedPrefix?.toUpperCase() ?? '';
  if (typeof json === 'string') {
    const value = type.values.find(({ name }) => name === json || name === prefix + json);
    if (value !== undefined) return value.name;
  }
  const names = type.values.slice(1).map(({ name }) => name.slice(prefix.length));
  const either = prefix === '' ? '' : `, as they are or after ${prefix}`;
  problems.add(path, `must be one of ${names.join(', ')}${either}${got(json, path)}`);
  return json;
}

const DURATION = 'google.protobuf.Duration';

function normalizeDuration(json: unknown, path: string, problems: Problems): unknown {
  const seconds = typeof json === 'string' ? durationInSeconds(json) : undefined;
  if (seconds !== undefined) return seconds;
  problems.add(path, `must be a duration such as ${DURATION_FORMS}${got(json, path)}`);
  return json;
}

const VALUE = 'google.protobuf.Value';

/** Other well-known types that are not JSON objects (ProtoJSON); those that the API has no use for are not here. */
const SPECIAL = new Map<string, (json: unknown, path: string) => string | undefined>([
  [
    'google.protobuf.Timestamp',
    (json, path) =>
      isTimestamp(json)
        ? undefined
        : `must be an RFC 3339 time such as "2026-01-31T12:00:00Z"${got(json, path)}`,
  ],
  [
    'google.protobuf.FieldMask',
    (json, path) => {
      if (typeof json !== 'string' || json.includes('_')) {
        return `must be paths in lowerCamelCase in one string, such as "labels,retryPolicy"${got(json, path)}`;
      }
      const [capital] = CAPITAL_FIRST.exec(json) ?? [];
      return capital === undefined ? undefined : `cannot name ${quote(capital)}: ${NO_CAPITALS}`;
    },
  ],
  // Any JSON is one. What of it an event cannot have is judged with the event, which may be one among many.
  [VALUE, () => undefined],
]);

/** In JSON a capital is a small letter after an underscore, so what begins with one would be another key of a map. */
const CAPITAL_FIRST = /(?<![A-Za-z0-9])[A-Z][\w-]*/;
const NO_CAPITALS =
  'write the name of a secret header in lower case, and change other keys with capitals with their whole map';

const TIMESTAMP =
  /^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,9})?(?:Z|[+-][0-9]{2}:[0-9]{2})$/;

const TIME_MIN = Date.parse('0001-01-01T00:00:00Z');
const TIME_MAX = Date.parse('9999-12-31T23:59:59.999Z');

/** Also a text that is one can lie outside of the years 1 to 9999, by its offset say. */
function isTimestamp(json: unknown): boolean {
  if (typeof json !== 'string' || !TIMESTAMP.test(json) || !isRealTime(json)) return false;
  const time = Date.parse(json);
  return time >= TIME_MIN && time <= TIME_MAX;
}

/** How a message is begun in JSON: with what it cannot do without, or else with the first field that callers set. */
function formOf({ fields }: DescMessage): string {
  const required = fields.filter((field) => behaves(field, 'REQUIRED'));
  const settable = fields.filter((field) => !behaves(field, 'OUTPUT_ONLY'));
  const shown = required.length > 0 ? required : settable.slice(0, 1);
  if (shown.length === 0) return '';
  const members = shown.map(({ name, fieldKind, scalar }) => {
    const isText = fieldKind === 'scalar' && scalar === ScalarType.STRING;
    return `"${name}": ${isText ? '"…"' : '…'}`;
  });
  return ` such as {${members.join(', ')}}`;
}

function isObject(json: unknown): json is Record<string, unknown> {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

const fieldMaps = new WeakMap<DescMessage, ReadonlyMap<string, DescField>>();

/** Fields by their two names in JSON: lowerCamelCase, and as in the proto file. */
function fieldsOf(message: DescMessage): ReadonlyMap<string, DescField> {
  let fields = fieldMaps.get(message);
  if (fields === undefined) {
    fields = new Map(
      message.fields.flatMap((field) => [[field.name, field] as const, [field.jsonName, field] as const]),
    );
    fieldMaps.set(message, fields);
  }
  return fields;
}

function unknownField(message: DescMessage, name: string): string {
  // What is asked for has no field of its own: `data` of an event is its json, text or bytes.
  const choice = message.oneofs.find((each) => each.name === name);
  if (choice !== undefined) {
    const names = choice.fields.map((field) => field.name).join(', ');
    return `is not a field of ${message.typeName}; give one of ${names}`;
  }
  const near = nearest(
    name,
    message.fields.map((field) => field.name),
  );
  if (near !== undefined) return `is not a field of ${message.typeName}; did you mean ${near}?`;
  // Cut off where there are many; those that callers set are declared first.
  const known = message.fields.map(({ name: each }) => each).join(', ');
  return `is not a field of ${message.typeName}${known && `, which has ${known}`}`;
}
