/**
 * A filter that was checked against the fields that there are: plain data, so that the store can be given it.
 * Negation stands at its leaves only.
 */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly of: readonly Condition[] }
  | ({ readonly kind: 'test' } & Test);

export interface Test {
  readonly field: string;
  /** Of a map. */
  readonly key?: string;
  /** It holds where `is` does not, also where there is no value. */
  readonly not: boolean;
  readonly is: Is;
}

/** What is asked of a value. Of a list or of the keys of a map, one has to be so. */
export type Is =
  /** There is one. */
  | { readonly kind: 'present' }
  | { readonly kind: 'oneOf'; readonly values: readonly string[] }
  | { readonly kind: 'begins'; readonly text: string }
  /** A number that is not less than `from`, and less than `to`. */
  | { readonly kind: 'range'; readonly from: number; readonly to: number }
  /** A text before or after this one, by its characters. */
  | { readonly kind: 'ordered'; readonly operator: '<' | '<=' | '>' | '>='; readonly text: string };

/** What a field of something can be; undefined, or none of a list, is no value. */
export type FieldValue =
  | string
  | number
  | boolean
  | undefined
  | readonly string[]
  | Readonly<Record<string, string>>;

/** How a field is read, and what can be asked of it. */
export interface Field<Row> {
  readonly type: FieldType;
  readonly of: (row: Row) => FieldValue;
}

export type FieldType =
  /** An id: it is asked for as a whole. `of` may give several that mean the same. */
  | { readonly kind: 'id' | 'text' | 'eventType' | 'time' | 'number' | 'status' | 'flag' | 'texts' | 'map' }
  | { readonly kind: 'enum'; readonly values: readonly string[]; readonly prefix: string };

export type Fields<Row> = Readonly<Record<string, Field<Row>>>;

/** Makes a function of a condition. Without one everything is wanted. */
export function matcherOf<Row>(condition: Condition | undefined, fields: Fields<Row>): (row: Row) => boolean {
  if (condition === undefined) return () => true;
  if (condition.kind === 'test') {
    const { field, key, not, is } = condition;
    const { of } = fields[field]!;
    const fits = fitting(is);
    return (row) => candidates(of(row), key).some(fits) !== not;
  }
  const all = condition.of.map((each) => matcherOf(each, fields));
  return condition.kind === 'and'
    ? (row) => all.every((matches) => matches(row))
    : (row) => all.some((matches) => matches(row));
}

function candidates(value: FieldValue, key: string | undefined): readonly (string | number)[] {
  switch (typeof value) {
    case 'undefined':
      return [];
    case 'boolean':
      return [String(value)];
    case 'object':
      if (isList(value)) return value;
      if (key === undefined) return Object.keys(value);
      return Object.hasOwn(value, key) ? [value[key]!] : [];
    default:
      return [value];
  }
}

function isList(value: readonly string[] | Readonly<Record<string, string>>): value is readonly string[] {
  return Array.isArray(value);
}

function fitting(is: Is): (value: string | number) => boolean {
  switch (is.kind) {
    case 'present':
      return () => true;
    case 'oneOf': {
      const values = new Set<string | number>(is.values);
      return (value) => values.has(value);
    }
    case 'begins':
      return (value) => String(value).startsWith(is.text);
    case 'range':
      return (value) => typeof value === 'number' && value >= is.from && value < is.to;
    case 'ordered':
      return (value) => isOrdered(String(value), is.operator, is.text);
    default:
      return is satisfies never;
  }
}

function isOrdered(value: string, operator: '<' | '<=' | '>' | '>=', text: string): boolean {
  if (value === text) return operator === '<=' || operator === '>=';
  return value < text === (operator === '<' || operator === '<=');
}

/** The values that a field is compared with, wherever that is. */
export function valuesOf(condition: Condition | undefined, field: string): string[] {
  if (condition === undefined) return [];
  if (condition.kind !== 'test') return condition.of.flatMap((each) => valuesOf(each, field));
  return condition.field === field && condition.is.kind === 'oneOf' ? [...condition.is.values] : [];
}

/** The same condition with other values for a field: those that mean the same in another place. */
export function withValues(
  condition: Condition,
  field: string,
  replaced: (value: string) => string,
): Condition {
  if (condition.kind !== 'test') {
    return { ...condition, of: condition.of.map((each) => withValues(each, field, replaced)) };
  }
  const { is } = condition;
  if (condition.field !== field || is.kind !== 'oneOf') return condition;
  return { ...condition, is: { ...is, values: is.values.map(replaced) } };
}
