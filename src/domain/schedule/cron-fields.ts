import { type DomainError, invalid } from '../error.ts';
import { type DayFields, EVERY_OCCURRENCE, LAST_OCCURRENCE } from './calendar/cron-days.ts';
import type { TimeFields } from './calendar/times-of-day.ts';

/** What the fields of an expression match. */
export interface CronFields extends TimeFields, DayFields {}

/** One field of a cron expression: its name, its values, and what to say when it cannot be read. */
interface CronField {
  readonly name: string;
  readonly min: number;
  readonly max: number;
  /** How many different values there are. Sunday is both 0 and 7, and counts once. */
  readonly size: number;
  /** Names of the values, the first being that of `min`. */
  readonly names: readonly string[];
  readonly allowed: string;
}

const SECOND = numeric('second', 0, 59, '0 to 59, *, ranges such as 10-20, steps such as */15');
const MINUTE = numeric('minute', 0, 59, '0 to 59, *, ranges such as 10-20, steps such as */15');
const HOUR = numeric('hour', 0, 23, '0 to 23, *, ranges such as 9-17, steps such as */4');
const DAY_OF_MONTH = numeric(
  'day of month',
  1,
  31,
  '1 to 31, *, ranges such as 1-7, steps such as */2, the last day as L, the weekday nearest to the 15th as 15W, the last weekday as LW',
);
const MONTH: CronField = {
  ...numeric('month', 1, 12, '1 to 12, JAN to DEC, *, ranges such as JUN-AUG, steps such as */3'),
  names: ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'],
};
const DAY_OF_WEEK: CronField = {
  ...numeric(
    'day of week',
    0,
    7,
    '0 to 7, SUN to SAT, *, ranges such as MON-FRI, the third Friday as 5#3, the last as 5L',
  ),
  size: 7,
  names: ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'],
};

/** A wildcard, a value or a range, and a step. Names are three letters in any case. */
const RANGE = /^(?:\*|(\d+|[a-z]{3})(?:-(\d+|[a-z]{3}))?)(?:\/(\d+))?$/i;
/** The weekday nearest to a day of the month. */
const NEAREST_WEEKDAY = /^(\d+)W$/i;
/** The n-th of a weekday in the month, or its last. */
const OCCURRENCE = /^(\d+|[a-z]{3})(?:#([1-5])|L)$/i;

function numeric(name: string, min: number, max: number, allowed: string): CronField {
  return { name, min, max, size: max - min + 1, names: [], allowed: `${allowed}, and lists of these` };
}

/**
 * What the fields of a cron expression match, from the second, or, if there are five, from the minute
 * on. Throws INVALID for `path`, saying which item of which field cannot be read, and why.
 */
export function parseFields(path: string, parts: readonly string[]): CronFields {
  if (parts.length !== 5 && parts.length !== 6) throw wrongFieldCount(path, parts);
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = (
    parts.length === 5 ? ['0', ...parts] : parts
  ) as [string, string, string, string, string, string];
  return {
    seconds: valuesIn(path, second, SECOND),
    minutes: valuesIn(path, minute, MINUTE),
    hours: valuesIn(path, hour, HOUR),
    ...parseDaysOfMonth(path, dayOfMonth),
    months: valuesIn(path, month, MONTH),
    weekdays: parseWeekdays(path, dayOfWeek),
    combineDays: dayOfMonth.includes('*') || dayOfWeek.includes('*') ? 'BOTH' : 'EITHER',
  };
}

function valuesIn(path: string, text: string, field: CronField): number[] {
  const members = new Uint8Array(field.max + 1);
  for (const item of text.split(',')) addRange(members, path, item, field);
  return membersOf(members);
}

type DaysOfMonth = Pick<DayFields, 'days' | 'lastDay' | 'nearestWeekdays' | 'lastWeekday'>;

function parseDaysOfMonth(path: string, text: string): DaysOfMonth {
  const days = new Uint8Array(DAY_OF_MONTH.max + 1);
  const nearestWeekdays: number[] = [];
  let lastDay = false;
  let lastWeekday = false;
  for (const item of text.split(',')) {
    const nearest = NEAREST_WEEKDAY.exec(item);
    if (nearest !== null) nearestWeekdays.push(readValue(nearest[1]!, path, item, DAY_OF_MONTH));
    else if (/^L$/i.test(item)) lastDay = true;
    else if (/^LW$/i.test(item)) lastWeekday = true;
    else addRange(days, path, item, DAY_OF_MONTH);
  }
  return { days: membersOf(days), lastDay, nearestWeekdays, lastWeekday };
}

function parseWeekdays(path: string, text: string): number[] {
  const occurrences = Array.from({ length: 7 }, () => 0);
  for (const item of text.split(',')) {
    const found = OCCURRENCE.exec(item);
    if (found === null) {
      const days = new Uint8Array(DAY_OF_WEEK.max + 1);
      addRange(days, path, item, DAY_OF_WEEK);
      for (const day of membersOf(days)) occurrences[day % 7] = EVERY_OCCURRENCE;
    } else {
      const day = readValue(found[1]!, path, item, DAY_OF_WEEK);
      occurrences[day % 7]! |= 1 << (found[2] === undefined ? LAST_OCCURRENCE : Number(found[2]) - 1);
    }
  }
  return occurrences;
}

/** Sets the values of a wildcard, a value or a range, each with a step or without. */
function addRange(members: Uint8Array, path: string, item: string, field: CronField): void {
  const found = RANGE.exec(item);
  if (found === null) throw refusal(path, item, field, whyUnreadable(item, field));
  const [, first, last, stepText] = found;
  // Some crons read 5/10 as 5-max/10, and some as 5 alone.
  if (first !== undefined && last === undefined && stepText !== undefined) {
    throw refusal(path, item, field, 'is a step without a range; write a range such as 5-59/10 or */10');
  }
  const step = stepText === undefined ? 1 : Number(stepText);
  if (step === 0) throw refusal(path, item, field, 'has a step of 0');
  if (step > field.size) throw refusal(path, item, field, 'has too large a step');
  const from = first === undefined ? field.min : readValue(first, path, item, field);
  let to = first === undefined ? field.max : from;
  if (last !== undefined) to = readNumber(last, path, item, field);
  // At the end of a range SUN is 7, so that FRI-SUN is three days. If the range begins with Sunday too,
  // it is that one day, as MON-MON is. A week is written 0-7, with a number at its end.
  if (/^SUN$/i.test(last ?? '') && from > 0) to = 7;
  if (from > to) throw refusal(path, item, field, 'begins after it ends');
  // As in Vixie cron, an end such as that of 5-60/10 may be too large if no step reaches it.
  const reached = to - ((to - from) % step);
  if (reached > field.max) throw refusal(path, item, field, 'is out of range');
  for (let value = from; value <= reached; value += step) members[value] = 1;
}

function readValue(text: string, path: string, item: string, field: CronField): number {
  const value = readNumber(text, path, item, field);
  if (value < field.min || value > field.max) throw refusal(path, item, field, 'is out of range');
  return value;
}

/** A number or a name, which may still be out of range. */
function readNumber(text: string, path: string, item: string, field: CronField): number {
  const named = field.names.indexOf(text.toUpperCase());
  const value = named < 0 ? Number(text) : named + field.min;
  if (Number.isNaN(value)) throw refusal(path, item, field, 'has an unknown name in it');
  return value;
}

function membersOf(members: Uint8Array): number[] {
  const values: number[] = [];
  for (let value = 0; value < members.length; value++) if (members[value] === 1) values.push(value);
  return values;
}

/** Why an item has none of the forms that its field allows. */
function whyUnreadable(item: string, field: CronField): string {
  if (item === '') return 'is an empty item';
  if (item.includes('?')) return 'is not cron; write * instead';
  const words = item.toUpperCase().match(/[A-Z]+/g) ?? [];
  if (words.some((word) => /^[LW]*W[LW]*$/.test(word))) {
    return field === DAY_OF_MONTH
      ? 'has W without a single day before it; write one day from 1 to 31, such as 15W, or LW'
      : 'has W, the nearest weekday, which only the day of month field takes';
  }
  const unknown = words.some((word) => word.length === 3 && !field.names.includes(word));
  return unknown ? 'has an unknown name in it' : 'cannot be read';
}

function refusal(path: string, item: string, field: CronField, why: string): DomainError {
  return invalid(
    path,
    `in the ${field.name} field, ${JSON.stringify(item)} ${why}; allowed are ${field.allowed}`,
  );
}

function wrongFieldCount(path: string, parts: readonly string[]): DomainError {
  const count = parts[0] === '' ? 0 : parts.length;
  return invalid(
    path,
    `has ${count} field${count === 1 ? '' : 's'}; write 5 (minute, hour, day of month, month, day of week), or 6 with the second first, or a nickname such as @daily or @every 10s`,
  );
}
