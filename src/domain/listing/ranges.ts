import { isRealTime } from '../rfc3339.ts';
import type { Is } from './condition.ts';
import { type Comparison, FilterMistake, type Operator } from './parse.ts';

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;

/** Times are kept in whole milliseconds; a filter can be finer. Raises FilterMistake. */
export function readTime({ field, operator, value }: Comparison): Is {
  const [, date, time, fraction = '', zone] = RFC_3339.exec(value.text) ?? [];
  const second = Date.parse(`${date}T${time}${zone}`.toUpperCase());
  if (Number.isNaN(second) || !isRealTime(value.text)) {
    const example = '"2026-01-31T12:00:00Z"';
    throw new FilterMistake(value.at, `${field} must be compared with an RFC 3339 time such as ${example}`);
  }
  const digits = fraction.padEnd(9, '0');
  const at = second + Number(digits.slice(0, 3));
  return rangeFrom(operator, at, Number(digits.slice(3)) === 0);
}

/** Raises FilterMistake. */
export function readWhole({ field, operator, value }: Comparison): Is {
  const number = /^-?\d{1,15}$/.test(value.text) ? Number(value.text) : Number.NaN;
  if (Number.isNaN(number))
    throw new FilterMistake(value.at, `${field} must be compared with a whole number`);
  return rangeFrom(operator, number);
}

/** A status code, or a class of them. Raises FilterMistake. */
export function readStatus(comparison: Comparison): Is {
  const { field, operator, operatorAt, value } = comparison;
  const [, family] = /^([1-9])xx$/i.exec(value.text) ?? [];
  if (family !== undefined) {
    if (operator !== '=' && operator !== '!=' && operator !== ':') {
      throw new FilterMistake(operatorAt, 'a class such as 5xx can only be compared with =, != and :');
    }
    return { kind: 'range', from: Number(family) * 100, to: Number(family) * 100 + 100 };
  }
  if (!/^[1-9]\d\d$/.test(value.text)) {
    throw new FilterMistake(
      value.at,
      `${field} must be compared with a status code from 100 to 999, or with a class such as "5xx"`,
    );
  }
  return rangeFrom(operator, Number(value.text));
}

/** The whole numbers that compare so with one, or with one and a fraction. */
function rangeFrom(operator: Operator, number: number, isWhole = true): Is {
  const ceiling = isWhole ? number : number + 1;
  switch (operator) {
    case '=':
    case '!=':
    case ':':
      // Nothing is a whole number and has a fraction.
      return { kind: 'range', from: number, to: isWhole ? number + 1 : number };
    case '>=':
      return { kind: 'range', from: ceiling, to: Infinity };
    case '>':
      return { kind: 'range', from: number + 1, to: Infinity };
    case '<':
      return { kind: 'range', from: -Infinity, to: ceiling };
    case '<=':
      return { kind: 'range', from: -Infinity, to: number + 1 };
    default:
      return operator satisfies never;
  }
}
