import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { isPartOfValue } from '../field-bounds.ts';

/** A field, as far as its bytes are concerned. */
export interface FieldShape {
  readonly field: DescField;
  readonly wireType: WireType;
  readonly repeated: boolean;
  readonly ofValue: boolean;
  /** What is in it, or in the values of its map. */
  readonly inside: (() => Shape) | undefined;
}

export type Shape = ReadonlyMap<number, FieldShape>;

/** The fields of a message by their numbers, worked out once. */
export function shapeOf(type: DescMessage): Shape {
  let shape = shapes.get(type);
  if (shape === undefined) {
    shape = new Map(type.fields.map((field) => [field.number, fieldShape(field)]));
    shapes.set(type, shape);
  }
  return shape;
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

const shapes = new WeakMap<DescMessage, Shape>();

function fieldShape(field: DescField): FieldShape {
  const { message } = field;
  const repeated = field.fieldKind === 'list' || field.fieldKind === 'map';
  const ofValue = repeated && isPartOfValue(field);
  const inside = message && (() => shapeOf(message));
  return { field, wireType: wireTypeOf(field), repeated, ofValue, inside };
}

function wireTypeOf(field: DescField): WireType {
  if (field.fieldKind === 'map' || field.message !== undefined) return WireType.LengthDelimited;
  if (field.enum !== undefined) return WireType.Varint;
  switch (field.scalar) {
    case ScalarType.STRING:
    case ScalarType.BYTES:
      return WireType.LengthDelimited;
    case ScalarType.DOUBLE:
    case ScalarType.FIXED64:
    case ScalarType.SFIXED64:
      return WireType.Bit64;
    case ScalarType.FLOAT:
    case ScalarType.FIXED32:
    case ScalarType.SFIXED32:
      return WireType.Bit32;
    default:
      return WireType.Varint;
  }
}
