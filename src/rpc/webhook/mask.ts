import { create, type DescField, type DescMessage } from '@bufbuild/protobuf';
import { type ReflectMessage, reflect } from '@bufbuild/protobuf/reflect';
import type { FieldMask } from '@bufbuild/protobuf/wkt';
import { type Webhook as WebhookMessage, WebhookSchema } from '../../../gen/carillon/v1/webhook_pb.ts';
import { invalidRequest } from '../../domain/error.ts';
import { quote } from '../../domain/text.ts';
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
  'timeout',
  'retry_policy',
  'limits',
  'labels',
] as const;

/** Fields to copy from one webhook message to another: `limits`, or one of its own, `limits.ordered`. */
export interface UpdateMask {
  readonly paths: readonly MaskPath[];
  /** The fields of the webhook that are touched at all. */
  readonly touched: ReadonlySet<string>;
}

type MaskPath = readonly [field: DescField] | readonly [field: DescField, member: DescField];

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
  return maskOf(given.filter((path) => !isIgnored(path)).map(pathTo));
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
  const [to, from] = [reflect(WebhookSchema, base), reflect(WebhookSchema, patch)];
  for (const [field, member] of mask.paths) {
    if (member === undefined) copy(field, from, to);
    else copy(member, nested(from, field), nested(to, field, to));
  }
  return base;
}

function maskOf(paths: readonly MaskPath[]): UpdateMask {
  return { paths, touched: new Set(paths.map(([field]) => field.name)) };
}

function pathTo(path: string): MaskPath {
  const [name = '', member, ...rest] = path.split('.');
  const field = fieldOf(WebhookSchema, name);
  if (!UPDATABLE.some((updatable) => updatable === name)) {
    const why = field === undefined ? 'is not a field of a webhook' : 'cannot be changed by Update';
    throw wrong(`names ${quote(name)}, which ${why}; it can name ${UPDATABLE.join(', ')}`);
  }
  if (field === undefined) throw new Error(`${WebhookSchema.typeName} has no ${name}`);
  if (member === undefined) return [field];
  if (field.fieldKind !== 'message' || field.message.typeName.startsWith('google.')) {
    throw wrong(`names ${quote(path)}, but ${name} can only be replaced as a whole`);
  }
  const inner = fieldOf(field.message, member);
  if (inner === undefined || rest.length > 0) {
    const members = field.message.fields.map((each) => `${name}.${each.name}`);
    throw wrong(`names ${quote(path)}; of ${name} it can name ${members.join(', ')}`);
  }
  return [field, inner];
}

function copy(field: DescField, from: ReflectMessage, to: ReflectMessage): void {
  if (from.isSet(field)) to.set(field, from.get(field));
  else to.clear(field);
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
  return invalidRequest([{ field: 'update_mask', description }]);
}
