import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
} from '@bufbuild/protobuf';
import { systemClock } from '../../domain/clock.ts';
import { DomainError, type FieldViolation, invalidRequest, malformed } from '../../domain/error.ts';
import { join, noProblems } from '../../domain/problems.ts';
import { createTurns } from '../../publish/turns.ts';
import { farMax, tooMany, VALUES_MAX } from '../field-bounds.ts';
import { type ItemField, itemsOf, standIn } from '../item-fault.ts';
import { normalizeJson } from './json-shape.ts';
import { JSON_DEPTH_MAX, type ParsedJson, parseJson, parseLongJson, type TellDeep } from './json-text.ts';
import { type WireItems, wireItems } from './wire-items.ts';
import { judgeWire, type Tally } from './wire-judge.ts';

/** A shorter text is not worth waiting for a turn. */
const LONG_TEXT_BYTES = 64 * 1024;

/** The turns of all long work: see `createTurns`. */
const turns = createTurns(systemClock);

/** A turn for a long text; undefined when there is nothing to wait for. */
export function turnFor(bytes: Uint8Array): Promise<void> | undefined {
  return bytes.length > LONG_TEXT_BYTES && turns.isOver() ? turns.next() : undefined;
}

/**
 * A message in binary. Raises INVALID, for fields that are far over their bounds before they are decoded. What is
 * wrong with one item of several is left to the handler: see `faultOf`.
 */
export function readBinary(type: DescMessage, bytes: Uint8Array, what: string): Message | Promise<Message> {
  const items = itemsOf(type);
  if (items === undefined) return readWhole(type, bytes, what);
  if (items.isList) return readEach(type, items, bytes, what);
  return readOne(type, items, () => readWhole(type, bytes, what));
}

/** A JSON text that was parsed, and what it is the value of. */
export interface JsonGiven extends ParsedJson {
  /** The field that it is the value of; all of the message when not given. */
  readonly under?: string;
  /** What else is known to be wrong. */
  readonly known?: readonly FieldViolation[];
}

/** The same for JSON. */
export function readJson(type: DescMessage, given: JsonGiven, what: string): Message | Promise<Message> {
  const { under = '', duplicates, deep = [], known = [] } = given;
  const json = (under === '' ? given.value : { [under]: given.value }) as JsonValue;
  const told = duplicates.map((path) => ({ field: join(under, path), description: 'is given twice' }));
  const tooDeep = deep.map((path) => ({ field: join(under, path), description: TOO_DEEP, reason: TOO_MUCH }));
  const wrong = [...known, ...told, ...tooDeep];
  const items = itemsOf(type);
  if (items === undefined) return readShaped(type, json, wrong, what);
  if (items.isList) return readEachJson(type, items, { json, wrong }, what);
  return readOne(type, items, () => readShaped(type, json, wrong, what));
}

/** The message of a JSON text, or of the text that the value of its field `under` is. Raises INVALID. */
export function parseMessage(
  type: DescMessage,
  text: string,
  what: string,
  under = '',
): Message | Promise<Message> {
  const read = (parsed: ParsedJson) => readJson(type, { ...parsed, under }, what);
  const refuse = (reason: unknown): Message => {
    const items = itemsOf(type);
    const hasTooMany = reason instanceof DomainError && reason.metadata.maxValues !== undefined;
    return hasTooMany && items?.isList === false ? standInOf(type, items, reason) : raise(reason);
  };
  let parsed: ParsedJson | Promise<ParsedJson>;
  try {
    parsed = parseText(text, what, tellDeepIn(type, under));
  } catch (reason) {
    return refuse(reason);
  }
  return parsed instanceof Promise ? parsed.then(read, refuse) : read(parsed);
}

/** A JSON text, parsed in turns if it is long. Raises, or rejects with, INVALID. */
export function parseText(text: string, what: string, tellDeep?: TellDeep): ParsedJson | Promise<ParsedJson> {
  return text.length > LONG_TEXT_BYTES
    ? parseLongJson(text, turns, what, tellDeep)
    : parseJson(text, what, tellDeep);
}

/** Tells what nests too deep of one item among several; undefined for requests that are about one thing. */
export function tellDeepIn(type: DescMessage, under = ''): TellDeep | undefined {
  const items = itemsOf(type);
  if (items === undefined) return undefined;
  const { name, jsonName, isList } = items;
  return (path) => {
    const inItem =
      under === name || ((path[0] === name || path[0] === jsonName) && path.length > (isList ? 2 : 1));
    // As far as the field of an event; what follows are names of its data.
    return inItem ? path.slice(0, (under === '' ? 1 : 0) + (isList ? 1 : 0) + 2).join('') : undefined;
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const TOO_MUCH = 'TOO_MUCH_IN_FIELD';
const TOO_DEEP = `nests deeper than ${JSON_DEPTH_MAX} objects and arrays`;

function readWhole(type: DescMessage, bytes: Uint8Array, what: string, tally?: Tally): Message {
  const fault = judgeWire(type, bytes, tally);
  if (fault !== undefined) {
    const { field, description, kind } = fault;
    throw kind === 'TOO_MUCH'
      ? invalidRequest([{ field, description, reason: TOO_MUCH }])
      : notOf(type, what, description);
  }
  try {
    return fromBinary(type, bytes);
  } catch (error) {
    throw notOf(type, what, (error as Error).message);
  }
}

function readShaped(
  type: DescMessage,
  json: JsonValue,
  wrong: readonly FieldViolation[],
  what: string,
): Message {
  const problems = noProblems();
  problems.addAll(wrong);
  problems.addAll(normalizeJson(type, json));
  problems.raise();
  try {
    return fromJson(type, json);
  } catch (error) {
    throw malformed('MALFORMED_MESSAGE', `${what}: ${(error as Error).message}`);
  }
}

/** Reads a message of a stream, about one item, of which too much is the item's own refusal. */
function readOne(type: DescMessage, items: ItemField, read: () => Message): Message {
  try {
    return read();
  } catch (reason) {
    return isTooMuch(reason) ? standInOf(type, items, reason) : raise(reason);
  }
}

/** Reads the items one by one, and lets others have their turn in between. */
async function readEach(
  type: DescMessage,
  items: ItemField,
  bytes: Uint8Array,
  what: string,
): Promise<Message> {
  const parts = takenApart(type, items, bytes, what);
  if (parts.items.length > farMax(items.field)) throw tooManyItems(items);
  const message = readWhole(type, parts.rest, what);
  const list: Message[] = [];
  let values = 0;
  for (const item of parts.items) {
    const tally = { values: 0 };
    list.push(readItem(items, () => readWhole(items.message, item, 'the item', tally)));
    values += tally.values;
    if (values > VALUES_MAX) throw tooManyValues(what);
    if (turns.isOver()) await turns.next();
  }
  return Object.assign(message, { [items.localName]: list });
}

function takenApart(type: DescMessage, items: ItemField, bytes: Uint8Array, what: string): WireItems {
  try {
    return wireItems(items.field, bytes);
  } catch (error) {
    throw notOf(type, what, (error as Error).message);
  }
}

interface ItemsJson {
  readonly json: JsonValue;
  readonly wrong: readonly FieldViolation[];
}

async function readEachJson(
  type: DescMessage,
  items: ItemField,
  { json, wrong }: ItemsJson,
  what: string,
): Promise<Message> {
  const given = listIn(json, items);
  if (given === undefined) return readShaped(type, json, wrong, what);
  if (given.list.length > farMax(items.field)) throw tooManyItems(items);
  const byItem = new Map<number, FieldViolation[]>();
  const rest = wrong.filter((violation) => !sortedByItem(violation, items, byItem));
  const message = readShaped(type, { ...given.holder, [given.name]: [] }, rest, what);
  const list: Message[] = [];
  for (const [index, item] of given.list.entries()) {
    if (turns.isOver()) await turns.next();
    const known = byItem.get(index) ?? [];
    list.push(readItem(items, () => readShaped(items.message, item, known, 'the item')));
  }
  return Object.assign(message, { [items.localName]: list });
}

/** The items of a request; undefined where there are none, or something else stands in their place. */
function listIn(json: JsonValue, { name, jsonName }: ItemField) {
  if (typeof json !== 'object' || json === null || Array.isArray(json)) return undefined;
  const names = [...new Set([name, jsonName])].filter((each) => Object.hasOwn(json, each));
  const list = names.length === 1 ? json[names[0]!] : undefined;
  return Array.isArray(list) ? { holder: json, name: names[0]!, list } : undefined;
}

/** Puts what is wrong with an item to that item, its path beginning inside of it. Returns whether it is one. */
function sortedByItem(
  { field, ...rest }: FieldViolation,
  { name }: ItemField,
  byItem: Map<number, FieldViolation[]>,
): boolean {
  if (!field.startsWith(`${name}[`)) return false;
  const end = field.indexOf(']');
  const index = Number(field.slice(name.length + 1, end));
  const all = byItem.get(index) ?? [];
  byItem.set(index, all);
  all.push({ ...rest, field: field.slice(end + 1).replace(/^\./, '') });
  return true;
}

function readItem(items: ItemField, read: () => Message): Message {
  try {
    return read();
  } catch (reason) {
    return reason instanceof DomainError ? standIn(items.message, reason) : raise(reason);
  }
}

/** A message of a stream in which stands, for what it is about, why that cannot be read. Paths begin inside of that. */
function standInOf(type: DescMessage, items: ItemField, reason: DomainError): Message {
  const inside = reason.violations.map((each) => ({ ...each, field: insideOf(each.field, items) }));
  const fault = invalidRequest(inside, reason.metadata);
  return Object.assign(create(type), { [items.localName]: standIn(items.message, fault) });
}

/** Whether a message can be understood, and there is only too much of something in it. */
function isTooMuch(reason: unknown): reason is DomainError {
  return reason instanceof DomainError && reason.violations.every((each) => each.reason === TOO_MUCH);
}

function insideOf(field: string, { name }: ItemField): string {
  return field.startsWith(`${name}.`) ? field.slice(name.length + 1) : field;
}

function raise(reason: unknown): never {
  throw reason;
}

function notOf(type: DescMessage, what: string, why: string): DomainError {
  return malformed('MALFORMED_MESSAGE', `${what} is not a ${type.typeName}: ${why}`);
}

function tooManyItems(items: ItemField): DomainError {
  return invalidRequest([{ field: items.name, description: tooMany(items.field), reason: TOO_MUCH }]);
}

function tooManyValues(what: string): DomainError {
  const description = `${what} has more than ${VALUES_MAX} values: send fewer events at a time, or their data as text`;
  return malformed('JSON_TOO_COMPLEX', description, { maxValues: VALUES_MAX });
}
