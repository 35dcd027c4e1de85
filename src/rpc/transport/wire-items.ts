import type { DescField } from '@bufbuild/protobuf';
import { BinaryReader, WireType } from '@bufbuild/protobuf/wire';
import { farMax } from '../field-bounds.ts';

/** A message in binary, taken apart: the items of one of its lists, and what else there is. */
export interface WireItems {
  /** At most one more than may be. */
  readonly items: readonly Uint8Array[];
  readonly rest: Uint8Array;
}

/** Raises what the bytes are not, if they cannot be taken apart. Nothing of an item is looked at. */
export function wireItems(field: DescField, bytes: Uint8Array): WireItems {
  const reader = new BinaryReader(bytes);
  const items: Uint8Array[] = [];
  const others: Uint8Array[] = [];
  while (reader.pos < reader.len) {
    const start = reader.pos;
    const [number, wireType] = reader.tag();
    if (number === field.number && wireType === WireType.LengthDelimited) {
      items.push(reader.bytes());
      if (items.length > farMax(field)) break;
    } else {
      reader.skip(wireType, number);
      others.push(bytes.subarray(start, reader.pos));
    }
  }
  return { items, rest: others.length === 0 ? NOTHING : Buffer.concat(others) };
}

const NOTHING = new Uint8Array(0);
