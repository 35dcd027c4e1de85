import type { DescField, DescMessage } from '@bufbuild/protobuf';
import { WireType } from '@bufbuild/protobuf/wire';
import { farMax, ITEM_VALUES_MAX, JSON_VALUE_TOO_DEEP, SINGLE_FIELDS_MAX, tooMany } from '../field-bounds.ts';
import { type FieldShape, type Shape, shapeOf } from './wire-shape.ts';

/** What is wrong with the bytes of a message, and where. */
export interface WireFault {
  /** Empty for what is about the message as a whole. */
  readonly field: string;
  readonly description: string;
  readonly kind: 'MALFORMED' | 'TOO_MUCH';
}

/** A shorter message cannot hold so much that looking at it would be worth more than reading it. */
const JUDGED_MIN_BYTES = 128;

/** Messages inside each other, as deep as every implementation of protobuf reads; protobuf-es too. */
const DEPTH_MAX = 100;

/** Counts what was found, for the parts of a request that are judged one by one. */
export interface Tally {
  /** Values of google.protobuf.Value. */
  values: number;
}

/**
 * Looks at a message in binary before it is decoded: how many items its lists and maps have, nested ones too, and how
 * deep it nests. It makes nothing, and stops at the first fault: a field that is far over its bound costs no more than
 * one at its bound. Fields that are given several times are one field, as for whoever merges them.
 */
export function judgeWire(
  type: DescMessage,
  bytes: Uint8Array,
  tally: Tally = { values: 0 },
): WireFault | undefined {
  if (bytes.length < JUDGED_MIN_BYTES) return undefined;
  try {
    new Judge(bytes, tally).message(shapeOf(type), bytes.length, new Seen(), 1);
    return undefined;
  } catch (fault) {
    if (fault instanceof Fault) return fault.fault;
    throw fault;
  }
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** Names and places of fields inside each other. */
type Path = readonly (DescField | number)[];

/** What was seen of one message, which may come in parts. */
class Seen {
  singles = 0;
  #items: Map<FieldShape, number> | undefined;
  #inside: Map<FieldShape, Seen> | undefined;

  /** Returns how many there are now. */
  add(field: FieldShape, count: number): number {
    this.#items ??= new Map();
    const sum = (this.#items.get(field) ?? 0) + count;
    this.#items.set(field, sum);
    return sum;
  }

  in(field: FieldShape): Seen {
    this.#inside ??= new Map();
    let seen = this.#inside.get(field);
    if (seen === undefined) {
      seen = new Seen();
      this.#inside.set(field, seen);
    }
    return seen;
  }
}

class Fault extends Error {
  readonly fault: WireFault;
  constructor(fault: WireFault) {
    super(fault.description);
    this.fault = fault;
  }
}

class Judge {
  readonly #bytes: Uint8Array;
  readonly #tally: Tally;
  #at = 0;
  /** Of the fields around what is looked at. */
  readonly #path: (DescField | number)[] = [];

  constructor(bytes: Uint8Array, tally: Tally) {
    this.#bytes = bytes;
    this.#tally = tally;
  }

  message(shape: Shape, end: number, seen: Seen, depth: number): void {
    if (depth > DEPTH_MAX) this.#tooDeep();
    while (this.#at < end) {
      const tag = this.#varint();
      const field = shape.get(tag >>> 3);
      if (field === undefined) {
        if (++seen.singles > SINGLE_FIELDS_MAX) this.#tooManySingles();
        this.#skip(tag, end);
        continue;
      }
      this.#path.push(field.field);
      this.#field(field, tag & 7, end, seen, depth);
      this.#path.pop();
    }
    if (this.#at > end) this.#malformed('a field is longer than what holds it');
  }

  #field(shape: FieldShape, wireType: number, end: number, seen: Seen, depth: number): void {
    const { repeated, inside } = shape;
    const packed =
      repeated && wireType === WireType.LengthDelimited && shape.wireType !== WireType.LengthDelimited;
    if (wireType !== shape.wireType && !packed) this.#malformed(`${this.#where()} has wire type ${wireType}`);
    if (packed) {
      const until = this.#length(end);
      this.#count(shape, this.#packedItems(shape.wireType, until), seen);
      this.#at = until;
      return;
    }
    if (repeated) this.#count(shape, 1, seen);
    else if (++seen.singles > SINGLE_FIELDS_MAX) this.#tooManySingles();
    if (inside === undefined && shape.field.fieldKind !== 'map') {
      this.#skipValue(wireType, end);
      return;
    }
    const until = this.#length(end);
    if (shape.field.fieldKind === 'map') this.#entry(shape, until, depth);
    else if (!repeated) this.message(inside!(), until, seen.in(shape), depth + 1);
    else {
      this.#path.push(seen.add(shape, 0) - 1);
      this.message(inside!(), until, new Seen(), depth + 1);
      this.#path.pop();
    }
  }

  /** Key and value, as the fields 1 and 2. */
  #entry({ inside }: FieldShape, end: number, depth: number): void {
    let fields = 0;
    const seen = new Seen();
    while (this.#at < end) {
      const tag = this.#varint();
      if (++fields > SINGLE_FIELDS_MAX) this.#tooManySingles();
      if (tag >>> 3 === 2 && inside !== undefined) {
        if ((tag & 7) !== WireType.LengthDelimited)
          this.#malformed(`${this.#where()} has wire type ${tag & 7}`);
        this.message(inside(), this.#length(end), seen, depth + 1);
      } else this.#skip(tag, end);
    }
    if (this.#at > end) this.#malformed('a field is longer than what holds it');
  }

  #count(shape: FieldShape, count: number, seen: Seen): void {
    const { field } = shape;
    if (shape.ofValue) {
      this.#tally.values += count;
      if (this.#tally.values <= ITEM_VALUES_MAX) {
        seen.add(shape, count);
        return;
      }
      throw this.#fault(
        `has more than ${ITEM_VALUES_MAX} values: give it as text`,
        outermostValue(this.#path),
      );
    }
    if (seen.add(shape, count) > farMax(field)) throw this.#fault(tooMany(field), this.#path);
  }

  #packedItems(wireType: number, until: number): number {
    if (wireType === WireType.Bit64) return Math.ceil((until - this.#at) / 8);
    if (wireType === WireType.Bit32) return Math.ceil((until - this.#at) / 4);
    let items = 0;
    for (let at = this.#at; at < until; at++) if (this.#bytes[at]! < 0x80) items++;
    return items;
  }

  #skip(tag: number, end: number): void {
    if (tag >>> 3 === 0) this.#malformed('a field has number 0');
    if ((tag & 7) === WireType.StartGroup) this.#skipGroup(end);
    else this.#skipValue(tag & 7, end);
  }

  #skipGroup(end: number): void {
    let depth = 1;
    for (let fields = 0; depth > 0; fields++) {
      if (fields > SINGLE_FIELDS_MAX) this.#tooManySingles();
      if (depth > DEPTH_MAX) this.#tooDeep();
      const type = this.#varint() & 7;
      if (type === WireType.StartGroup) depth++;
      else if (type === WireType.EndGroup) depth--;
      else this.#skipValue(type, end);
    }
  }

  #skipValue(wireType: number, end: number): void {
    switch (wireType) {
      case WireType.Varint:
        this.#varint();
        break;
      case WireType.Bit64:
        this.#at += 8;
        break;
      case WireType.LengthDelimited:
        this.#at = this.#length(end);
        break;
      case WireType.Bit32:
        this.#at += 4;
        break;
      default:
        this.#malformed(`there is no wire type ${wireType} here`);
    }
    if (this.#at > end) this.#malformed('a field is longer than what holds it');
  }

  /** Where what comes next ends. */
  #length(end: number): number {
    const length = this.#varint();
    const until = this.#at + length;
    if (until > end) this.#malformed('a field is longer than what holds it');
    return until;
  }

  /** Of more than 32 bits, which no tag and no length has, only the lower ones. */
  #varint(): number {
    let value = 0;
    for (let shift = 0; shift < 70; shift += 7) {
      const byte = this.#bytes[this.#at++];
      if (byte === undefined) break;
      if (shift < 32) value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value >>> 0;
    }
    return this.#malformed('a number does not end');
  }

  #tooDeep(): never {
    const at = outermostValue(this.#path);
    const isValue = at.length < this.#path.length;
    throw this.#fault(isValue ? JSON_VALUE_TOO_DEEP : `nests deeper than ${DEPTH_MAX} messages`, at);
  }

  #tooManySingles(): never {
    throw this.#fault(`has more than ${SINGLE_FIELDS_MAX} fields that are given once`, this.#path);
  }

  #malformed(why: string): never {
    throw new Fault({ field: '', description: why, kind: 'MALFORMED' });
  }

  #fault(description: string, path: Path): Fault {
    return new Fault({ field: pathOf(path), description, kind: 'TOO_MUCH' });
  }

  #where(): string {
    return pathOf(this.#path);
  }
}

/** As far as the first google.protobuf.Value: what is inside of it has no names that a caller would know. */
function outermostValue(path: Path): Path {
  const at = path.findIndex((part) => typeof part !== 'number' && part.message?.typeName === VALUE);
  return at < 0 ? path : path.slice(0, at + 1);
}

const VALUE = 'google.protobuf.Value';

function pathOf(path: Path): string {
  let text = '';
  for (const part of path) {
    if (typeof part === 'number') text += `[${part}]`;
    else text += text === '' ? part.name : `.${part.name}`;
  }
  return text;
}
