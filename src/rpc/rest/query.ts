import type { DescField, JsonObject, JsonValue } from '@bufbuild/protobuf';
import { ScalarType } from '@bufbuild/protobuf';
import { malformed } from '../../domain/error.ts';
import { echoName, entry, type Problems } from '../../domain/problems.ts';
import { type FieldPath, fieldAt } from './fields.ts';

/** The parameters of a query, decoded. Raises INVALID for an encoding that is none. */
export function decodeQuery(query: string): URLSearchParams {
  // URLSearchParams takes a broken encoding as it stands.
  if (query.includes('%')) {
    try {
      decodeURIComponent(query);
    } catch {
      const description =
        'the query is not percent-encoded UTF-8: write a percent sign as %25, and others as their bytes';
      throw malformed('MALFORMED_REQUEST', description);
    }
  }
  return new URLSearchParams(query);
}

/**
 * Writes the parameters of a query into a request in ProtoJSON. Notes parameters that there are not, and
 * those given twice. Values are judged with the request, like those of a body.
 */
export function readQuery(
  query: URLSearchParams,
  parameters: ReadonlyMap<string, FieldPath>,
  request: JsonObject,
  problems: Problems,
): void {
  for (const [parameter, value] of query) {
    const [, name = '', key] = /^([^[\]]*)(?:\[(.*)\])?$/s.exec(parameter) ?? [];
    const found = find(parameters, name);
    const field = found?.fields.at(-1);
    if (found === undefined || field === undefined || (field.fieldKind === 'map') !== (key !== undefined)) {
      problems.add(echoName(parameter), unknown(parameters), 'UNKNOWN_FIELD');
      continue;
    }
    const holder = holderOf(request, found.fields);
    const before = holder[field.name];
    if (field.fieldKind === 'map') {
      const map = (before ?? Object.create(null)) as JsonObject;
      if (Object.hasOwn(map, key!)) problems.add(entry(found.name, key!), 'is given twice');
      // Not by assignment, which `__proto__` would get past.
      Object.defineProperty(map, key!, { value, enumerable: true, configurable: true, writable: true });
      holder[field.name] = map;
    } else if (field.fieldKind === 'list') {
      holder[field.name] = [...((before ?? []) as JsonValue[]), jsonOf(field, value)];
    } else {
      if (before !== undefined) problems.add(found.name, 'is given twice');
      holder[field.name] = jsonOf(field, value);
    }
  }
}

/** How many parameters a message names at most; a map of them counts as one. */
const NAMED_MAX = 12;

function unknown(parameters: ReadonlyMap<string, FieldPath>): string {
  if (parameters.size === 0) return 'is not a query parameter here; there are none';
  const names = [...parameters.values()].map(({ name, fields }) =>
    fields.at(-1)?.fieldKind === 'map' ? `${name}[key]` : name,
  );
  const more = names.length > NAMED_MAX ? ' and others' : '';
  return `is not a query parameter here; there are ${names.slice(0, NAMED_MAX).join(', ')}${more}`;
}

/** By its name in the proto file, or by one with parts in camel case. */
function find(parameters: ReadonlyMap<string, FieldPath>, name: string): FieldPath | undefined {
  const known = parameters.get(name);
  if (known !== undefined) return known;
  const [first] = parameters.values();
  const inside = first?.fields[0]?.parent;
  const path = inside && fieldAt(inside, name);
  return path && parameters.get(path.name);
}

/** The object that a field's value stands in, made if it is not there. */
export function holderOf(request: JsonObject, fields: readonly DescField[]): JsonObject {
  let holder = request;
  for (const field of fields.slice(0, -1)) {
    const name = Object.hasOwn(holder, field.jsonName) ? field.jsonName : field.name;
    const inside = holder[name];
    if (typeof inside === 'object' && inside !== null && !Array.isArray(inside)) holder = inside;
    else {
      const made: JsonObject = {};
      holder[name] = made;
      holder = made;
    }
  }
  return holder;
}

/** A parameter's text as the value that it would be in JSON. */
export function jsonOf(field: DescField, text: string): JsonValue {
  if (field.enum !== undefined) return text.toUpperCase();
  if (field.message?.typeName === 'google.protobuf.FieldMask') {
    return text.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  }
  if (field.scalar === ScalarType.BOOL) {
    // ?validate_only alone is true.
    return text === '' || text === 'true' ? true : text === 'false' ? false : text;
  }
  return text;
}
