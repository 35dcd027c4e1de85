import { type DomainError, invalid } from '../error.ts';

/** One field of a cron expression: what it is called and what it may hold. */
export interface CronField {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** Names of the values, the first being that of `min`. */
  readonly names: readonly string[];
  /** The whole of an item of its list, in upper case. */
  readonly item: RegExp;
  /** What is allowed, for messages. */
  readonly allowed: string;
}

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** A wildcard or a range, either with a step, or one value. A step on one value means different things to different crons. */
const NUMBERS = String.raw`\*(\/\d+)?|\d+(-\d+(\/\d+)?)?`;
const NAMES = String.raw`\*(\/\d+)?|(\d+|[A-Z]{3})(-(\d+|[A-Z]{3})(\/\d+)?)?`;

/** The six fields; an expression of five has no second. */
export const CRON_FIELDS: readonly CronField[] = [
  numeric('second', 0, 59, '0 to 59, *, ranges such as 10-20, steps such as */15, and lists of these'),
  numeric('minute', 0, 59, '0 to 59, *, ranges such as 10-20, steps such as */15, and lists of these'),
  numeric('hour', 0, 23, '0 to 23, *, ranges such as 9-17, steps such as */4, and lists of these'),
  {
    ...numeric(
      'day of month',
      1,
      31,
      '1 to 31, L, *, ranges such as 1-7, steps such as */2, and lists of these',
    ),
    item: new RegExp(`^(${NUMBERS}|L)$`),
  },
  {
    ...numeric(
      'month',
      1,
      12,
      '1 to 12, JAN to DEC, *, ranges such as JUN-AUG, steps such as */3, and lists of these',
    ),
    names: MONTHS,
    item: new RegExp(`^(${NAMES})$`),
  },
  {
    ...numeric(
      'day of week',
      0,
      7,
      '0 to 7, SUN to SAT, *, ranges such as MON-FRI, the third Friday as 5#3, the last as 5L, and lists of these',
    ),
    names: WEEKDAYS,
    item: new RegExp(`^(${NAMES}|(\\d+|[A-Z]{3})(#[1-5]|L))$`),
  },
];

function numeric(name: string, min: number, max: number, allowed: string): CronField {
  return { name, min, max, names: [], item: new RegExp(`^(${NUMBERS})$`), allowed };
}

/** Whether every item of a field has a form that this field allows; its numbers may still be out of range. */
export function isStandard(text: string, field: CronField): boolean {
  return text
    .toUpperCase()
    .split(',')
    .every((item) => field.item.test(item));
}

/** Why a field that cannot be read cannot be read. */
export function explainField(path: string, text: string, field: CronField): DomainError {
  for (const item of text.split(',')) {
    const why = reasonOf(item.toUpperCase(), field);
    if (why !== undefined) return refusal(path, item, field, why);
  }
  return refusal(path, text, field, 'cannot be read');
}

/** An expression with too few or too many fields. */
export function wrongFieldCount(path: string, parts: readonly string[]): DomainError {
  const count = parts[0] === '' ? 0 : parts.length;
  return invalid(
    path,
    `has ${count} field${count === 1 ? '' : 's'}; write 5 (minute, hour, day of month, month, day of week), or 6 with the second first, or a nickname such as @daily or @every 10s`,
  );
}

function refusal(path: string, item: string, field: CronField, why: string): DomainError {
  return invalid(
    path,
    `in the ${field.name} field, ${JSON.stringify(item)} ${why}; allowed are ${field.allowed}`,
  );
}

function reasonOf(item: string, field: CronField): string | undefined {
  if (item === '') return 'is an empty item';
  if (item.includes('?')) return 'is not cron; write * instead';
  if (/^\w+\/\d+$/.test(item)) return 'is a step without a range; write a range such as 5-59/10 or */10';
  for (const word of item.match(/[A-Z]+/g) ?? []) {
    if (word.length === 3 && !field.names.includes(word)) return 'has an unknown name in it';
  }
  if (!field.item.test(item)) return 'cannot be read';

  const [range = '', step] = item.split('/');
  if (step !== undefined && Number(step) === 0) return 'has a step of 0';
  if (range === '*' || range === 'L') return step === undefined ? undefined : tooLarge(step, field);
  const [from, to = from] = range
    .replace(/#\d$|(?<=.)L$/, '')
    .split('-')
    .map((value) => numberOf(value, field));
  if (![from!, to!].every((value) => value >= field.min && value <= field.max)) return 'is out of range';
  if (from! > to!) return 'begins after it ends';
  return step === undefined ? undefined : tooLarge(step, field);
}

function tooLarge(step: string, field: CronField): string | undefined {
  return Number(step) > field.max - field.min + 1 ? 'has too large a step' : undefined;
}

function numberOf(text: string, field: CronField): number {
  const named = field.names.indexOf(text);
  return named < 0 ? Number(text) : named + field.min;
}
