import type { Condition, Is, Test } from './condition.ts';

/**
 * What every row that satisfies a condition has in a field: what an index can be searched by. Fields that
 * can be anything are left out.
 */
export type Bounds = ReadonlyMap<string, Bound>;
export type Bound = Range | OneOf | Begins;
type Range = Extract<Is, { kind: 'range' }>;
type OneOf = Extract<Is, { kind: 'oneOf' }>;
type Begins = Extract<Is, { kind: 'begins' }>;

/** Bounds of these fields, each of which has at most one value. Undefined when nothing can satisfy the condition. */
export function boundsOf(condition: Condition | undefined, fields: readonly string[]): Bounds | undefined {
  if (condition === undefined) return new Map();
  if (condition.kind === 'test') return ofTest(condition, fields);
  return condition.of.map((each) => boundsOf(each, fields)).reduce(condition.kind === 'and' ? both : either);
}

/** What is outside of something is too much for an index. */
function ofTest({ field, key, not, is }: Test, fields: readonly string[]): Bounds | undefined {
  const isBound = is.kind === 'range' || is.kind === 'oneOf' || is.kind === 'begins';
  if (not || key !== undefined || !isBound || !fields.includes(field)) return new Map();
  return isEmpty(is) ? undefined : new Map([[field, is]]);
}

function isEmpty(bound: Bound): boolean {
  if (bound.kind === 'range') return bound.from >= bound.to;
  return bound.kind === 'oneOf' && bound.values.length === 0;
}

/** What satisfies both. */
function both(a: Bounds | undefined, b: Bounds | undefined): Bounds | undefined {
  if (a === undefined || b === undefined) return undefined;
  const met = new Map(a);
  for (const [field, bound] of b) {
    const other = met.get(field);
    const narrowed = other === undefined ? bound : meet(other, bound);
    if (isEmpty(narrowed)) return undefined;
    met.set(field, narrowed);
  }
  return met;
}

/** What satisfies one of them. */
function either(a: Bounds | undefined, b: Bounds | undefined): Bounds | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  const joined = new Map<string, Bound>();
  for (const [field, bound] of a) {
    const other = b.get(field);
    const widened = other && join(bound, other);
    if (widened !== undefined) joined.set(field, widened);
  }
  return joined;
}

/** Where the two cannot be taken together, one of them is right too. */
function meet(a: Bound, b: Bound): Bound {
  if (a.kind === 'range') {
    if (b.kind !== 'range') return a;
    return { kind: 'range', from: Math.max(a.from, b.from), to: Math.min(a.to, b.to) };
  }
  if (b.kind === 'range') return a;
  if (a.kind === 'oneOf') return { kind: 'oneOf', values: a.values.filter((value) => isWithin(value, b)) };
  if (b.kind === 'oneOf') return { kind: 'oneOf', values: b.values.filter((value) => isWithin(value, a)) };
  if (a.text.startsWith(b.text)) return a;
  return b.text.startsWith(a.text) ? b : { kind: 'oneOf', values: [] };
}

/** Undefined where the two have nothing in common but being anything. */
function join(a: Bound, b: Bound): Bound | undefined {
  if (a.kind === 'range' && b.kind === 'range') {
    return { kind: 'range', from: Math.min(a.from, b.from), to: Math.max(a.to, b.to) };
  }
  if (a.kind === 'range' || b.kind === 'range') return undefined;
  if (a.kind === 'oneOf' && b.kind === 'oneOf') {
    return { kind: 'oneOf', values: [...new Set([...a.values, ...b.values])] };
  }
  if (a.kind === 'begins' && isAllWithin(b, a)) return a;
  return b.kind === 'begins' && isAllWithin(a, b) ? b : undefined;
}

function isAllWithin(bound: OneOf | Begins, outer: Begins): boolean {
  const texts = bound.kind === 'oneOf' ? bound.values : [bound.text];
  return texts.every((text) => text.startsWith(outer.text));
}

function isWithin(value: string, bound: OneOf | Begins): boolean {
  return bound.kind === 'oneOf' ? bound.values.includes(value) : value.startsWith(bound.text);
}
