import {
  type DescEnum,
  type DescField,
  type DescMessage,
  getOption,
  hasOption,
  ScalarType,
} from '@bufbuild/protobuf';
import {
  type FieldRules,
  field as fieldRules,
} from '@bufbuild/protovalidate/gen/buf/validate/validate_pb.js';
import { behaves } from '../../src/rpc/field-behavior.ts';
import type { Comments } from './comments.ts';

/** A JSON Schema (2020-12), or something else of an OpenAPI document. */
export type Json = { [name: string]: unknown };

/** Makes schemas of messages, and remembers which have been asked for. */
export interface Schemas {
  /** A reference to the schema of a message. */
  refer(message: DescMessage): Json;
  /** The schema of a message without some of its fields, as it stands; in a partial one none is required. */
  inline(message: DescMessage, without: ReadonlySet<string>, partial?: boolean): Json;
  /** The schema of a field's value. */
  ofField(field: DescField): Json;
  /** All that were referred to, by name. */
  all(): Json;
}

export function createSchemas(comments: Comments): Schemas {
  const known = new Map<string, Json>();

  const schemas: Schemas = {
    refer(message) {
      const special = SPECIAL[message.typeName];
      if (special !== undefined) return { ...special };
      const name = nameOf(message.typeName);
      if (!known.has(name)) {
        // Before it is made: a message may hold itself.
        known.set(name, {});
        known.set(name, schemas.inline(message, new Set()));
      }
      return { $ref: `#/components/schemas/${name}` };
    },

    inline(message, without, partial = false) {
      const fields = message.fields.filter(({ name }) => !without.has(name));
      const required = fields
        .filter((field) => !partial && behaves(field, 'REQUIRED'))
        .map(({ jsonName }) => jsonName);
      const choices = message.oneofs
        .filter(({ fields: members }) => members.length > 1)
        .map(
          ({ fields: members }) => `At most one of ${members.map(({ jsonName }) => jsonName).join(', ')}.`,
        );
      const about = [comments.get(message.typeName), ...choices].filter((text) => text !== undefined);
      return {
        type: 'object',
        ...(about.length > 0 && { description: about.join('\n\n') }),
        properties: Object.fromEntries(fields.map((field) => [field.jsonName, schemas.ofField(field)])),
        ...(required.length > 0 && { required }),
      };
    },

    ofField(field) {
      const description = comments.get(`${field.parent.typeName}.${field.name}`);
      const about = {
        ...(description !== undefined && { description }),
        ...(behaves(field, 'OUTPUT_ONLY') && { readOnly: true }),
        ...(behaves(field, 'INPUT_ONLY') && { writeOnly: true }),
      };
      return { ...plain(field), ...about };
    },

    all: () => Object.fromEntries([...known].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
  return schemas;

  function plain(field: DescField): Json {
    const rules = rulesOf(field);
    switch (field.fieldKind) {
      case 'list': {
        const { minItems, maxItems, items } = ruleOf(rules, 'repeated') ?? {};
        return {
          type: 'array',
          items: single(field, items as FieldRules | undefined),
          ...count('minItems', minItems),
          ...count('maxItems', maxItems),
        };
      }
      case 'map': {
        const { maxPairs, values, keys } = ruleOf(rules, 'map') ?? {};
        const names = keys === undefined ? {} : bounds(keys as FieldRules);
        return {
          type: 'object',
          additionalProperties: single(field, values as FieldRules | undefined),
          ...(Object.keys(names).length > 0 && { propertyNames: names }),
          ...count('maxProperties', maxPairs),
        };
      }
      default:
        return single(field, rules);
    }
  }

  function single(field: DescField, rules: FieldRules | undefined): Json {
    if (field.message !== undefined) return schemas.refer(field.message);
    if (field.enum !== undefined) return referEnum(field.enum);
    return { ...SCALARS[field.scalar!], ...(rules && bounds(rules)) };
  }

  function referEnum(type: DescEnum): Json {
    const name = nameOf(type.typeName);
    if (!known.has(name)) {
      const values = type.values.map((value) => {
        const about = comments.get(`${type.typeName}.${value.name}`);
        return `- \`${value.name}\`${about === undefined ? '' : `: ${about}`}`;
      });
      known.set(name, {
        type: 'string',
        description: [comments.get(type.typeName) ?? '', values.join('\n')].join('\n\n').trim(),
        enum: type.values.map((value) => value.name),
      });
    }
    return { $ref: `#/components/schemas/${name}` };
  }
}

/** Ours without the package, others with it. */
function nameOf(typeName: string): string {
  return typeName.replace(/^carillon\.v1\./, '');
}

function rulesOf(field: DescField): FieldRules | undefined {
  return hasOption(field, fieldRules) ? getOption(field, fieldRules) : undefined;
}

function ruleOf(rules: FieldRules | undefined, kind: string): Record<string, unknown> | undefined {
  return rules?.type.case === kind ? (rules.type.value as unknown as Record<string, unknown>) : undefined;
}

/** The rules of a value that JSON Schema can say. */
function bounds(rules: FieldRules): Json {
  const { case: kind, value } = rules.type;
  switch (kind) {
    case 'string': {
      const { minLen, maxLen, pattern } = value;
      return {
        ...(minLen > 0n && count('minLength', minLen)),
        ...(maxLen > 0n && count('maxLength', maxLen)),
        ...(pattern !== '' && { pattern }),
      };
    }
    case 'int32':
    case 'double': {
      const { greaterThan, lessThan } = value;
      return {
        ...(greaterThan.case === 'gte' && { minimum: greaterThan.value }),
        ...(lessThan.case === 'lte' && { maximum: lessThan.value }),
      };
    }
    default:
      return {};
  }
}

function count(name: string, value: unknown): Json {
  return typeof value === 'bigint' && value > 0n ? { [name]: Number(value) } : {};
}

const INTEGER = { type: 'integer', format: 'int32' };
/** ProtoJSON writes them as strings, since a JSON number has fewer digits. */
const LONG = { type: 'string', format: 'int64', pattern: '^-?[0-9]+$' };

const SCALARS: Readonly<Record<ScalarType, Json>> = {
  [ScalarType.STRING]: { type: 'string' },
  [ScalarType.BOOL]: { type: 'boolean' },
  [ScalarType.BYTES]: { type: 'string', contentEncoding: 'base64' },
  [ScalarType.DOUBLE]: { type: 'number', format: 'double' },
  [ScalarType.FLOAT]: { type: 'number', format: 'float' },
  [ScalarType.INT32]: INTEGER,
  [ScalarType.SINT32]: INTEGER,
  [ScalarType.SFIXED32]: INTEGER,
  [ScalarType.UINT32]: { ...INTEGER, minimum: 0 },
  [ScalarType.FIXED32]: { ...INTEGER, minimum: 0 },
  [ScalarType.INT64]: LONG,
  [ScalarType.SINT64]: LONG,
  [ScalarType.SFIXED64]: LONG,
  [ScalarType.UINT64]: LONG,
  [ScalarType.FIXED64]: LONG,
};

/** Messages that ProtoJSON writes otherwise than as objects of their fields. */
const SPECIAL: Readonly<Record<string, Json>> = {
  'google.protobuf.Timestamp': { type: 'string', format: 'date-time', examples: ['2030-01-31T12:00:00Z'] },
  'google.protobuf.Duration': {
    type: 'string',
    pattern: '^-?[0-9]{1,12}(\\.[0-9]{1,9})?s$',
    examples: ['90s', '0.5s'],
  },
  'google.protobuf.FieldMask': { type: 'string', examples: ['labels,retryPolicy.maxAttempts'] },
  'google.protobuf.Value': {},
  'google.protobuf.Any': { type: 'object', properties: { '@type': { type: 'string' } }, required: ['@type'] },
};
