import { type DescField, getOption } from '@bufbuild/protobuf';
import { field as rulesOf } from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';

/** Items of a list, and entries of a map, for which the proto files have no bound; nothing of ours needs as many. */
const UNDECLARED_MAX = 1_000;

/**
 * Values of google.protobuf.Value inside each other, members and elements, in one item of a request and in all of
 * it. JSON as text has the first bound for all of it (`JSON_VALUES_MAX`).
 */
export const ITEM_VALUES_MAX = 50_000;
export const VALUES_MAX = 400_000;

/** How often fields that are not repeated, and such as nobody knows, may stand in one message. */
export const SINGLE_FIELDS_MAX = 1_000;

/** How many items, or entries, a field may have, by the rules of the proto file. */
export function declaredMax(field: DescField): number {
  const { type } = getOption(field, rulesOf);
  const max = type.case === 'repeated' ? type.value.maxItems : type.case === 'map' ? type.value.maxPairs : 0n;
  return max > 0n ? Number(max) : UNDECLARED_MAX;
}

/**
 * What is refused before anything else looks at it. Up to here the rules, which take ten microseconds an item, say
 * what is wrong together with everything else; beyond, they would hold up the server.
 */
export function farMax(field: DescField): number {
  let max = known.get(field);
  if (max === undefined) {
    max = 2 * declaredMax(field);
    known.set(field, max);
  }
  return max;
}

const known = new WeakMap<DescField, number>();

/** What is wrong with a field that has more. */
export function tooMany(field: DescField): string {
  const noun = field.fieldKind === 'map' ? 'entries' : 'items';
  return `has more than ${farMax(field)} ${noun}: give at most ${declaredMax(field)}`;
}

/** Lists and maps that google.protobuf.Value is made of: their bound is on all of them together. */
export function isPartOfValue({ parent }: DescField): boolean {
  return parent.typeName === 'google.protobuf.ListValue' || parent.typeName === 'google.protobuf.Struct';
}

/**
 * How deep JSON in a google.protobuf.Value can nest: objects and arrays inside each other. An object is
 * three messages on the wire, and every implementation of protobuf reads a hundred at least: with those
 * around it, that is 32 objects.
 */
export const JSON_VALUE_DEPTH_MAX = 32;

/** What is wrong with JSON that nests deeper. */
export const JSON_VALUE_TOO_DEEP = `nests deeper than ${JSON_VALUE_DEPTH_MAX} objects and arrays, as deep as protobuf goes: give it as text with content type application/json`;
