import { isEventType } from '../event/match.ts';
import { quote } from '../text.ts';
import type { Condition, Fields, FieldType, Is, Test } from './condition.ts';
import { type Comparison, type Expression, FilterMistake, type Operator } from './parse.ts';
import { readStatus, readTime, readWhole } from './ranges.ts';

/** Checks an expression against the fields that there are. Raises FilterMistake. */
export function checked<Row>(expression: Expression, fields: Fields<Row>, negated = false): Condition {
  switch (expression.kind) {
    case 'not':
      return checked(expression.of, fields, !negated);
    case 'and':
    case 'or': {
      const of = expression.of.map((each) => checked(each, fields, negated));
      return { kind: (expression.kind === 'and') !== negated ? 'and' : 'or', of };
    }
    case 'comparison': {
      const test = testOf(expression, typeOf(expression, fields));
      return { kind: 'test', ...(negated ? opposite(test, fields[test.field]!.type) : test) };
    }
    default:
      return expression satisfies never;
  }
}

function typeOf<Row>({ field, fieldAt, key }: Comparison, fields: Fields<Row>): FieldType {
  if (!Object.hasOwn(fields, field)) {
    const names = Object.keys(fields).join(', ');
    throw new FilterMistake(fieldAt, `${quote(field)} is not a field to filter by; there are ${names}`);
  }
  const { type } = fields[field]!;
  if (key !== undefined && type.kind !== 'map') {
    throw new FilterMistake(
      fieldAt + field.length,
      `${field} has no fields of its own; compare it as a whole`,
    );
  }
  return type;
}

/** Of an enum that has a value at all, not to be one of some is to be one of the others. */
function opposite(test: Test, type: FieldType): Test {
  if (type.kind !== 'enum' || test.is.kind !== 'oneOf') return { ...test, not: !test.not };
  const { values } = test.is;
  return { ...test, is: { kind: 'oneOf', values: type.values.filter((value) => !values.includes(value)) } };
}

function testOf(comparison: Comparison, type: FieldType): Test {
  const { field, key, operator, value } = comparison;
  const named = { field, ...(key !== undefined && { key }) };
  if (operator === ':' && isStar(value.text, value.stars))
    return { ...named, not: false, is: { kind: 'present' } };
  const test: Test = { ...named, not: false, is: isOf(comparison, type) };
  return operator === '!=' ? opposite(test, type) : test;
}

/** Reads a value for what is asked by `=`, if that is what `!=` and `:` ask. */
function isOf(comparison: Comparison, type: FieldType): Is {
  switch (type.kind) {
    case 'id':
      allow(comparison, EQUALITY);
      return oneOf(wholeOf(comparison));
    case 'enum':
      allow(comparison, EQUALITY);
      return oneOf(nameOf(comparison, type));
    case 'flag':
      allow(comparison, EQUALITY);
      return oneOf(nameOf(comparison, { values: ['true', 'false'], prefix: '' }));
    case 'eventType':
      allow(comparison, EQUALITY);
      return eventTypeOf(comparison);
    case 'text':
      return textOf(comparison);
    case 'texts':
      allow(comparison, [':'], `is a list; ask whether it has one, as in ${comparison.field}:value`);
      return textOf(comparison);
    case 'map': {
      const { field, key } = comparison;
      const why = `is a map; ask for a key, as in ${field}:team, or for its value, as in ${field}.team = a`;
      if (key === undefined) allow(comparison, [':'], why);
      return textOf(comparison);
    }
    case 'time':
      return readTime(comparison);
    case 'number':
      return readWhole(comparison);
    case 'status':
      return readStatus(comparison);
    default:
      return type satisfies never;
  }
}

const EQUALITY: readonly Operator[] = ['=', '!=', ':'];

function allow(
  { field, operator, operatorAt }: Comparison,
  operators: readonly Operator[],
  why?: string,
): void {
  if (operators.includes(operator)) return;
  throw new FilterMistake(operatorAt, `${field} ${why ?? 'can only be compared with =, != and :'}`);
}

function oneOf(value: string): Is {
  return { kind: 'oneOf', values: [value] };
}

function wholeOf({ field, value }: Comparison): string {
  if (value.stars.length === 0) return value.text;
  throw new FilterMistake(value.at, `${field} can only be compared as a whole, without *`);
}

function nameOf(
  { field, value }: Comparison,
  { values, prefix }: { readonly values: readonly string[]; readonly prefix: string },
): string {
  // In JSON it is STATE_FAILED, so that is known too.
  const found = values.find((each) => each === value.text || prefix + each === value.text);
  if (found !== undefined) return found;
  throw new FilterMistake(value.at, `${field} must be one of ${values.join(', ')}`);
}

/** A text, or what texts begin with when it ends in a *. */
function textOf({ field, operator, value }: Comparison): Is {
  const { text, stars, at } = value;
  if (operator === '<' || operator === '<=' || operator === '>' || operator === '>=') {
    return { kind: 'ordered', operator, text };
  }
  if (stars.length === 0) return oneOf(text);
  if (stars[0] !== text.length - 1) {
    throw new FilterMistake(
      at,
      `${field} can have * only at the end; write "\\*" in quotes for the character itself`,
    );
  }
  return stars[0] === 0 ? { kind: 'present' } : { kind: 'begins', text: text.slice(0, -1) };
}

function eventTypeOf(comparison: Comparison): Is {
  const is = textOf(comparison);
  const { field, value } = comparison;
  if (is.kind === 'present' || isEventType(value.text.replace(/\*$/, ''))) return is;
  throw new FilterMistake(
    value.at,
    `${field} must be a type such as order.paid, or the beginning of types such as order.*, with * only at the end`,
  );
}

function isStar(text: string, stars: readonly number[]): boolean {
  return text === '*' && stars.length === 1;
}
