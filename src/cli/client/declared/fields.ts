import type { DescEnum, DescField, DescMessage, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { didYouMean } from '../../../domain/nearest.ts';
import { parseGoDuration } from '../../../domain/schedule/go-duration.ts';
import { quote } from '../../../domain/text.ts';
import { isSecretPlace } from '../../../domain/webhook/secret-fields.ts';
import { duration } from '../../../server/config/setting-types.ts';
import { outputOnlyOf } from '../webhook/output-only.ts';
import type { Path } from './source-line.ts';
import { substitute } from './variables.ts';

/** What a value is read with. */
export interface Reading {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Notes what is wrong with the value at a path. */
  problem(path: Path, message: string): void;
  /** Hears of each text that variables were put into, as it was written. */
  substituted(path: Path, written: string, used: ReadonlyMap<string, string>): void;
}

// What is too long is for the server to say.
const SPAN = duration({ min: '0ms', max: '9999999d' });
const PROTO_SPAN = /^-?\d+(?:\.\d{1,9})?s$/;
const INTEGERS: ReadonlySet<ScalarType> = new Set([
  ...[ScalarType.INT32, ScalarType.UINT32, ScalarType.SINT32, ScalarType.FIXED32, ScalarType.SFIXED32],
  ...[ScalarType.INT64, ScalarType.UINT64, ScalarType.SINT64, ScalarType.FIXED64, ScalarType.SFIXED64],
]);

/**
 * The ProtoJSON of a message as people write it in a file: with variables, durations such as `5m`, and the short
 * names of enum values. Whatever is wrong with it is noted by its path, also what ProtoJSON would take in silence.
 * `leaveOut` names fields that are not for callers to say.
 */
export function messageJson(
  desc: DescMessage,
  value: unknown,
  reading: Reading,
  path: Path = [],
  leaveOut: ReadonlySet<string> = new Set(outputOnlyOf(desc)),
): JsonObject {
  if (!isObject(value)) {
    const what = path.length === 0 ? 'a webhook' : (path.at(-1) as string);
    reading.problem(path, `${what} must be a mapping of fields to values, and is ${kindOf(value, path)}`);
    return {};
  }
  const known = desc.fields.filter(({ name }) => !leaveOut.has(name));
  const given = new Map<string, string>();
  const json: [string, JsonValue][] = [];
  for (const [key, inner] of Object.entries(value)) {
    const field = known.find(({ name, jsonName }) => key === name || key === jsonName);
    if (field === undefined) {
      reading.problem([...path, key], unknown(key, desc, known));
      continue;
    }
    const at = [...path, field.jsonName];
    // Two names of one field, or two fields of which there can be one.
    const slot = field.oneof?.name ?? field.name;
    const other = given.get(slot);
    if (other !== undefined) {
      reading.problem([...path, key], `${key} and ${other} are both given; give one of them`);
      continue;
    }
    given.set(slot, key);
    const read = fieldJson(field, inner, reading, at);
    if (read !== undefined) json.push([field.jsonName, read]);
  }
  return Object.fromEntries(json);
}

function unknown(key: string, desc: DescMessage, known: readonly DescField[]): string {
  if (desc.fields.some(({ name, jsonName }) => key === name || key === jsonName)) {
    return `${key} is not for a file to say: the server sets it; leave it out`;
  }
  const choice = desc.oneofs.find((each) => each.name === key);
  if (choice !== undefined) {
    return `there is no field ${quote(key)}; give one of ${choice.fields.map(({ jsonName }) => jsonName).join(', ')}`;
  }
  const names = known.map(({ jsonName }) => jsonName);
  return `there is no field ${quote(key)}${didYouMean(key, names)}; there are ${names.join(', ')}`;
}

function fieldJson(field: DescField, value: unknown, reading: Reading, path: Path): JsonValue | undefined {
  if (value === null || value === undefined) {
    reading.problem(path, `${String(path.at(-1))} has no value; give it one, or leave it out`);
    return undefined;
  }
  switch (field.fieldKind) {
    case 'list':
      if (Array.isArray(value)) {
        return value.flatMap((each: unknown, i) => one(field, each, reading, [...path, i]) ?? []);
      }
      reading.problem(path, `${String(path.at(-1))} must be a list, and is ${kindOf(value, path)}`);
      return undefined;
    case 'map':
      if (isObject(value)) {
        const entries = Object.entries(value).map(([key, each]): [string, JsonValue] => [
          key,
          one(field, each, reading, [...path, key]) ?? '',
        ]);
        return Object.fromEntries(entries);
      }
      reading.problem(
        path,
        `${String(path.at(-1))} must be a mapping of names to values, and is ${kindOf(value, path)}`,
      );
      return undefined;
    default:
      return one(field, value, reading, path);
  }
}

/** The value of a field, or of one of the items of a list, or of one of the values of a map. */
function one(field: DescField, value: unknown, reading: Reading, path: Path): JsonValue | undefined {
  if (field.message !== undefined && !WRITTEN_AS_TEXT.has(field.message.typeName)) {
    return messageJson(field.message, value, reading, path);
  }
  const filled = typeof value === 'string' ? fill(value, reading, path) : { value, fromVariable: false };
  if (filled === undefined) return undefined;
  const read = scalarJson(field, filled.value, filled.fromVariable);
  if (typeof read === 'object') {
    reading.problem(
      path,
      `${String(path.at(-1))} must be ${read.wanted}, and is ${kindOf(filled.value, path)}`,
    );
    return undefined;
  }
  return read;
}

const WRITTEN_AS_TEXT: ReadonlySet<string> = new Set([
  'google.protobuf.Duration',
  'google.protobuf.Timestamp',
]);

/** Undefined when a variable is missing, which was noted. */
function fill(
  text: string,
  reading: Reading,
  path: Path,
): { value: string; fromVariable: boolean } | undefined {
  const { text: value, used, faults } = substitute(text, reading.env);
  for (const fault of faults) reading.problem(path, fault);
  if (faults.length > 0) return undefined;
  if (used.size > 0) reading.substituted(path, text, used);
  return { value, fromVariable: value !== text };
}

interface Wanted {
  readonly wanted: string;
}

/** A variable is text, also where a number or a truth value is meant. */
function scalarJson(
  field: DescField,
  value: unknown,
  fromVariable: boolean,
): string | number | boolean | Wanted {
  if (field.message !== undefined) {
    return field.message.typeName === 'google.protobuf.Duration' ? spanJson(value) : timeJson(value);
  }
  if (field.enum !== undefined) return enumJson(field.enum, value);
  if (field.scalar === ScalarType.BOOL) {
    if (typeof value === 'boolean') return value;
    return fromVariable && (value === 'true' || value === 'false')
      ? value === 'true'
      : { wanted: 'true or false' };
  }
  if (field.scalar === ScalarType.STRING || field.scalar === ScalarType.BYTES) {
    if (typeof value === 'string') return value;
    return { wanted: `text (put it in quotes)` };
  }
  const number = typeof value === 'string' && NUMBER.test(value) ? Number(value) : value;
  const whole = INTEGERS.has(field.scalar!);
  if (typeof number !== 'number' || !(whole ? Number.isSafeInteger(number) : Number.isFinite(number))) {
    return { wanted: whole ? 'a whole number' : 'a number' };
  }
  return number;
}

const NUMBER = /^-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?$/;

function timeJson(value: unknown): string | Wanted {
  return typeof value === 'string' ? value : { wanted: 'a time such as 2026-01-31T12:00:00Z' };
}

/** `300s` as it is; `5m`, `1h30m` and `7d` in seconds. */
function spanJson(value: unknown): string | Wanted {
  const wanted = { wanted: 'a duration such as 500ms, 15s, 5m, 1h30m or 7d' };
  if (typeof value !== 'string') return wanted;
  if (PROTO_SPAN.test(value)) return value;
  const ms = SPAN.parse(value) ?? (value === '0' ? undefined : parseGoDuration(value));
  return ms === undefined ? wanted : `${Number((ms / 1000).toFixed(9))}s`;
}

function enumJson(desc: DescEnum, value: unknown): string | Wanted {
  const found = desc.values.find(({ name, localName }) => value === name || value === localName);
  if (found !== undefined) return found.name;
  const names = desc.values.filter(({ number }) => number !== 0).map(({ localName }) => localName);
  const hint = typeof value === 'string' ? didYouMean(value, names) : '';
  return { wanted: `one of ${names.join(', ')}${hint}` };
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown, path: Path): string {
  if (value === null) return 'nothing';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a mapping';
  if (isSecretPlace(path)) return typeof value === 'string' ? 'text' : `a ${typeof value}`;
  return typeof value === 'string' ? quote(value) : String(value);
}
