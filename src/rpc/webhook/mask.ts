import { create, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { type ReflectMap, type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { FieldMask } from '@bufbuild/protobuf/wkt';
import { type Webhook as WebhookMessage, WebhookSchema } from '../../../gen/carillon/v1/webhook_pb.ts';
import { invalid } from '../../domain/error.ts';
import { quote } from '../../domain/text.ts';
import { isSecretHeader } from '../../domain/webhook/secret-headers.ts';
import { behaves } from '../field-behavior.ts';

/** What Update can change. The name and the destination are what Register finds a webhook by. */
const UPDATABLE = [
  'name',
  'destination',
  'schedule',
  'event_types',
  'filter',
  'payload',
  'headers',
  'secret_headers',
  'auth',
  'tls',
  'consent',
  'timeout',
  'retry_policy',
  'limits',
  'labels',
  'asymmetric_signature',
  'compatibility_signature',
] as const;

/** Paths that one mask has at most. */
const PATHS_MAX = 256;

/** Fields to copy from one webhook message to another. */
export interface UpdateMask {
  readonly paths: readonly MaskPath[];
  /** The fields of the webhook that are touched at all. */
  readonly touched: ReadonlySet<string>;
}

/** `limits`, or a field inside it at any depth, `limits.rate_limit.burst`, or an entry of a map, `labels.team`. */
interface MaskPath {
  /** One inside the other, from the outside. */
  readonly fields: readonly DescField[];
  /** Of the map that the last field is. */
  readonly key?: string;
}

/**
 * Reads an update mask (AIP-134): the fields it names; those that are set, when it is empty; all, when
 * it is `*`. Raises INVALID for a path that cannot be changed, naming it, unless such a path is to be ignored.
 */
export function readMask(mask: FieldMask | undefined, patch: WebhookMessage): UpdateMask {
  const given = mask?.paths ?? [];
  if (given.length === 0) return maskOf(UPDATABLE.filter((name) => isSet(patch, name)).map(pathTo));
  if (given.includes('*')) {
    if (given.length > 1) throw wrong('has * beside other paths; * means all of them');
    return maskOf(UPDATABLE.map(pathTo));
  }
  if (given.length > PATHS_MAX) throw wrong(`has ${given.length} paths: give at most ${PATHS_MAX}`);
  const paths = given.filter((path) => !isIgnored(path)).map(pathTo);
  return maskOf(paths.flatMap((path) => [path, ...secretOf(path, patch)]));
}

/** A secret header that was given as a plain one, and is taken away in the same way: it is among the secret ones. */
function secretOf({ fields: [field], key }: MaskPath, patch: WebhookMessage): MaskPath[] {
  if (field?.name !== 'headers' || key === undefined || Object.hasOwn(patch.headers, key)) return [];
  const lower = key.toLowerCase();
  return isSecretHeader(lower) ? [{ fields: [WebhookSchema.field.secretHeaders], key: lower }] : [];
}

/**
 * What only answers have, and what says which webhook is meant, may be named and does nothing (AIP-203): so the
 * mask of a read can be that of a write.
 */
function isIgnored(path: string): boolean {
  const field = fieldOf(WebhookSchema, path.split('.', 1)[0]!);
  return field !== undefined && IGNORED.some((behavior) => behaves(field, behavior));
}

const IGNORED = ['OUTPUT_ONLY', 'IDENTIFIER', 'IMMUTABLE'] as const;

/** The base with the masked fields taken from the patch; one that the patch does not have is cleared. */
export function applyMask(base: WebhookMessage, patch: WebhookMessage, mask: UpdateMask): WebhookMessage {
  for (const { fields, key } of mask.paths) {
    let to: ReflectMessage = reflect(WebhookSchema, base);
    let from: ReflectMessage = reflect(WebhookSchema, patch);
    for (const field of fields.slice(0, -1)) [to, from] = [nested(to, field, to), nested(from, field)];
    const last = fields.at(-1)!;
    if (key === undefined) copy(last, from, to);
    else copyEntry(mapIn(from, last), mapIn(to, last), key);
  }
  return base;
}

function maskOf(paths: readonly MaskPath[]): UpdateMask {
  return { paths, touched: new Set(paths.map(({ fields }) => fields[0]!.name)) };
}

function pathTo(path: string): MaskPath {
  const [name = '', ...rest] = segmentsOf(path);
  const field = fieldOf(WebhookSchema, name);
  if (field === undefined || !UPDATABLE.some((updatable) => updatable === name)) {
    const why = field === undefined ? 'is not a field of a webhook' : 'cannot be changed by Update';
    throw wrong(`names ${quote(name)}, which ${why}; it can name ${UPDATABLE.join(', ')}`);
  }
  return within(path, field, [name], rest);
}

/** A path that leads to a field, and what follows it. */
function within(path: string, field: DescField, names: readonly string[], rest: readonly string[]): MaskPath {
  const [name, ...after] = rest;
  if (name === undefined) return { fields: [field] };
  const outer = names.join('.');
  if (field.fieldKind === 'map') {
    if (after.length > 0) {
      throw wrong(
        `names ${quote(path)}; put a key of ${outer} that has dots in it in back-quotes: ${outer}.\`a.b\``,
      );
    }
    // Their names are in lower case in what is stored.
    return { fields: [field], key: field.name === 'secret_headers' ? name.toLowerCase() : name };
  }
  if (field.fieldKind !== 'message' || field.message.typeName.startsWith('google.')) {
    throw wrong(`names ${quote(path)}, but ${outer} can only be replaced as a whole`);
  }
  const inner = fieldOf(field.message, name);
  if (inner === undefined) {
    const members = field.message.fields.map((each) => `${outer}.${each.name}`);
    throw wrong(`names ${quote(path)}; of ${outer} it can name ${members.join(', ')}`);
  }
  const deeper = within(path, inner, [...names, name], after);
  return { ...deeper, fields: [field, ...deeper.fields] };
}

/** A name, or whatever stands in back-quotes, in which two are one (AIP-161, "Map fields"). */
const SEGMENT = /`((?:[^`]|``)+)`|([^`.]+)/y;

function segmentsOf(path: string): string[] {
  const segments: string[] = [];
  SEGMENT.lastIndex = 0;
  for (;;) {
    const [, quoted, bare] = SEGMENT.exec(path) ?? [];
    const segment = quoted?.replaceAll('``', '`') ?? bare;
    if (segment === undefined) {
      throw wrong(
        `names ${quote(path)}; give names with dots between them, and other keys of maps in back-quotes`,
      );
    }
    segments.push(segment);
    if (SEGMENT.lastIndex === path.length) return segments;
    if (path[SEGMENT.lastIndex] !== '.') {
      throw wrong(`names ${quote(path)}; expected a dot after ${quote(segment)}`);
    }
    SEGMENT.lastIndex++;
  }
}

function copy(field: DescField, from: ReflectMessage, to: ReflectMessage): void {
  if (from.isSet(field)) to.set(field, from.get(field));
  else to.clear(field);
}

function copyEntry(from: ReflectMap, to: ReflectMap, key: string): void {
  if (from.has(key)) to.set(key, from.get(key));
  else to.delete(key);
}

function mapIn(message: ReflectMessage, field: DescField): ReflectMap {
  if (field.fieldKind !== 'map') throw new Error(`${field.toString()} is not a map`);
  return message.get(field);
}

/** A message in a field; an empty one where there is none, which `into` gets to hold. */
function nested(message: ReflectMessage, field: DescField, into?: ReflectMessage): ReflectMessage {
  if (field.fieldKind !== 'message') throw new Error(`${field.toString()} is not a message`);
  if (message.isSet(field)) return message.get(field);
  const empty = reflect(field.message, create(field.message));
  into?.set(field, empty);
  return empty;
}

function isSet(message: WebhookMessage, name: string): boolean {
  const field = fieldOf(WebhookSchema, name);
  return field !== undefined && reflect(WebhookSchema, message).isSet(field);
}

function fieldOf(message: DescMessage, name: string): DescField | undefined {
  return message.fields.find((field) => field.name === name);
}

function wrong(description: string) {
  return invalid('update_mask', description);
}
