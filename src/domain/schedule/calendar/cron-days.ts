import { bitsOf, highestBit } from './bits.ts';
import type { Days } from './days.ts';
import { nearestWeekday } from './month.ts';
import { monthlyDays } from './month-days.ts';

/** The fields of a cron expression that name days. The lists are ascending. */
export interface DayFields {
  /** 1 to 12. */
  readonly months: readonly number[];
  /** 1 to 31. */
  readonly days: readonly number[];
  readonly lastDay: boolean;
  /** Days of the month, 1 to 31, each standing for the weekday that is nearest to it. */
  readonly nearestWeekdays: readonly number[];
  /** The last day of the month that is from Monday to Friday. */
  readonly lastWeekday: boolean;
  /** By weekday, Sunday first: bit n for the (n + 1)-th of the month, bit 5 for its last, 0 for none. */
  readonly weekdays: readonly number[];
  /** Whether a day must match both as a day of the month and as a weekday, or either. */
  readonly combineDays: 'BOTH' | 'EITHER';
}

/** Every occurrence of a weekday in a month. */
export const EVERY_OCCURRENCE = 0b111111;
/** The bit of the last one of a month. */
export const LAST_OCCURRENCE = 5;

/** The first, eighth, … day of a month, as bits. */
const WEEKLY_BITS = 0x10204081;

/** The days that the fields match. */
export function cronDays(fields: DayFields): Days {
  const monthBits = bitsOf(fields.months);
  const dayBits = monthTables(fields);
  return monthlyDays(({ month, firstWeekday, length }) =>
    (monthBits >> month) & 1 ? dayBits[firstWeekday * 4 + length - 28]! : 0,
  );
}

/** The matching days of every shape of month: its first weekday × 4 + its length − 28. */
function monthTables(fields: DayFields): Int32Array {
  const tables = new Int32Array(28);
  const plainDays = bitsOf(fields.days) >>> 1;
  for (let firstWeekday = 0; firstWeekday < 7; firstWeekday++) {
    for (let length = 28; length <= 31; length++) {
      const byDay = (plainDays & allDays(length)) | movingDays(fields, firstWeekday, length);
      const byWeekday = weekdaysIn(fields, firstWeekday, length);
      tables[firstWeekday * 4 + length - 28] =
        fields.combineDays === 'BOTH' ? byDay & byWeekday : byDay | byWeekday;
    }
  }
  return tables;
}

function allDays(length: number): number {
  return 0x7fffffff >> (31 - length);
}

/** The days of the month whose number depends on the shape of the month. */
function movingDays(fields: DayFields, firstWeekday: number, length: number): number {
  let days = fields.lastDay ? 1 << (length - 1) : 0;
  const shape = { firstWeekday, length };
  // The weekday nearest to the last day, without leaving the month, is the last weekday.
  if (fields.lastWeekday) days |= 1 << (nearestWeekday(length, shape) - 1);
  for (const day of fields.nearestWeekdays) {
    if (day <= length) days |= 1 << (nearestWeekday(day, shape) - 1);
  }
  return days;
}

function weekdaysIn(fields: DayFields, firstWeekday: number, length: number): number {
  let days = 0;
  for (let weekday = 0; weekday < 7; weekday++) {
    const occurrences = fields.weekdays[weekday]!;
    if (occurrences === 0) continue;
    const first = (weekday - firstWeekday + 7) % 7;
    days |= pickWeekdays(occurrences, (WEEKLY_BITS << first) & allDays(length));
  }
  return days;
}

function pickWeekdays(occurrences: number, days: number): number {
  if (occurrences === EVERY_OCCURRENCE) return days;
  let picked = (occurrences >> LAST_OCCURRENCE) & 1 ? 1 << highestBit(days) : 0;
  // There are five days at most, so this never reads the bit of the last one.
  let rest = days;
  for (let n = 0; rest !== 0; n++) {
    const bit = rest & -rest;
    if ((occurrences >> n) & 1) picked |= bit;
    rest &= ~bit;
  }
  return picked;
}
