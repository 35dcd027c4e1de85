import type { JsonObject, JsonValue } from '@bufbuild/protobuf';
import { echoName, type Problems } from '../../domain/problems.ts';
import { quote } from '../../domain/text.ts';

/** A query parameter and the field that it becomes. `labels[team]=a` is an entry of a map. */
export interface QueryField {
  readonly name: string;
  readonly kind: 'string' | 'integer' | 'boolean' | 'enum' | 'map';
  /** For an enum: what its names in the proto file begin with, and a caller may leave out. */
  readonly prefix?: string;
}

/**
 * The fields of a request in ProtoJSON, from a query. Names may be in snake or camel case. Notes
 * parameters that there are not, and those given twice. Values are judged like those of a body.
 */
export function readQuery(
  query: URLSearchParams,
  fields: readonly QueryField[],
  problems: Problems,
): JsonObject {
  const read = new Map<string, JsonValue>();
  const entries = new Map<string, Map<string, string>>();
  for (const [parameter, value] of query) {
    const [, name, key] = /^([^[\]]*)(?:\[(.*)\])?$/s.exec(parameter) ?? [];
    const field = fields.find((each) => name === each.name || name === camelCase(each.name));
    if (field === undefined || (field.kind === 'map') !== (key !== undefined)) {
      const known = fields.map((each) => (each.kind === 'map' ? `${each.name}[key]` : each.name));
      problems.add(echoName(parameter), `is not a query parameter here; there are ${known.join(', ')}`);
      continue;
    }
    if (key !== undefined) {
      const map = entries.get(field.name) ?? new Map<string, string>();
      entries.set(field.name, map);
      if (map.has(key)) problems.add(`${field.name}[${quote(key)}]`, 'is given twice');
      map.set(key, value);
      continue;
    }
    if (read.has(field.name)) problems.add(field.name, 'is given twice');
    read.set(field.name, jsonOf(field, value));
  }
  for (const [name, map] of entries) read.set(name, Object.fromEntries(map));
  return Object.fromEntries(read);
}

function jsonOf({ kind, prefix = '' }: QueryField, value: string): JsonValue {
  switch (kind) {
    case 'boolean':
      // ?validate_only alone is true.
      return value === '' || value === 'true' ? true : value === 'false' ? false : value;
    case 'enum': {
      const name = value.toUpperCase();
      return name.startsWith(prefix) ? name : prefix + name;
    }
    case 'integer':
    case 'string':
    case 'map':
      return value;
    default:
      return kind satisfies never;
  }
}

function camelCase(name: string): string {
  return name.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
