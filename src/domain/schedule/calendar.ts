import { type Month, monthAfter, monthOf, nearestWeekday } from './month.ts';

/**
 * The wall times that a set of calendar fields matches, to the second, on a clock that knows nothing
 * of zones (see `zone.ts` for wall times). The times of a day are numbered, so that it costs the same
 * to find the next match, the previous one, or how many lie between, for one a year and one a second.
 */
export interface Calendar {
  /** The first match at this wall time or later; null when none comes within `SEARCH_MONTHS_MAX`. */
  next(wall: number): number | null;
  /** The last match before this wall time; null when there is none within `SEARCH_MONTHS_MAX`. */
  previous(wall: number): number | null;
  /** How many matches there are in [from, to). Costs some 20 ns for each month between. */
  count(from: number, to: number): number;
}

/** What a calendar matches. The lists are ascending. */
export interface CalendarFields {
  readonly seconds: readonly number[];
  readonly minutes: readonly number[];
  readonly hours: readonly number[];
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

/**
 * How far ahead a match is searched for. Which days of a month match depends on its first weekday and
 * its length alone, and the rarest of these shapes, a February of 29 days that begins on a given
 * weekday, comes back within 40 years. So what does not match within 48 years never does.
 */
const SEARCH_MONTHS_MAX = 48 * 12;

/** Every occurrence of a weekday in a month. */
export const EVERY_OCCURRENCE = 0b111111;
/** The bit of the last one of a month. */
export const LAST_OCCURRENCE = 5;

const DAY_MS = 86_400_000;
/** The first, eighth, … day of a month, as bits. */
const WEEKLY_BITS = 0x10204081;

export function createCalendar(fields: CalendarFields): Calendar {
  const seconds = ladder(fields.seconds, 60);
  const minutes = ladder(fields.minutes, 60);
  const hours = ladder(fields.hours, 24);
  const timesAnHour = minutes.values.length * seconds.values.length;
  const timesADay = hours.values.length * timesAnHour;
  const monthBits = bitsOf(fields.months);
  const dayBits = monthTables(fields);

  /** How many times of a day come before `ms` into it, which is the number of the first that does not. */
  function rank(ms: number): number {
    const second = Math.ceil(ms / 1000);
    const hour = Math.floor(second / 3600);
    const minute = Math.floor(second / 60) % 60;
    let before = hours.rank[hour]! * timesAnHour;
    if (!hours.has(hour)) return before;
    before += minutes.rank[minute]! * seconds.values.length;
    return minutes.has(minute) ? before + seconds.rank[second % 60]! : before;
  }

  /** The time of a day with that number, in milliseconds. */
  function select(number: number): number {
    const hour = hours.values[Math.floor(number / timesAnHour)]!;
    const minute = minutes.values[Math.floor((number % timesAnHour) / seconds.values.length)]!;
    const second = seconds.values[number % seconds.values.length]!;
    return ((hour * 60 + minute) * 60 + second) * 1000;
  }

  /** The matching days of a month, day n as bit n - 1. */
  function daysOf(month: Month): number {
    return (monthBits >> month.month) & 1 ? dayBits[month.firstWeekday * 4 + month.length - 28]! : 0;
  }

  function matchesDay(day: number): boolean {
    const month = monthOf(day);
    return ((daysOf(month) >> (day - month.firstDay)) & 1) === 1;
  }

  /** The first matching day at `day` or later. */
  function nextDay(day: number): number | null {
    let month = monthOf(day);
    let bits = daysOf(month) & (-1 << (day - month.firstDay));
    for (let i = 0; i < SEARCH_MONTHS_MAX; i++) {
      if (bits !== 0) return month.firstDay + lowestBit(bits);
      month = monthAfter(month);
      bits = daysOf(month);
    }
    return null;
  }

  /** The last matching day before `day`. */
  function previousDay(day: number): number | null {
    let month = monthOf(day);
    let bits = daysOf(month) & ~(-1 << (day - month.firstDay));
    for (let i = 0; i < SEARCH_MONTHS_MAX; i++) {
      if (bits !== 0) return month.firstDay + highestBit(bits);
      month = monthOf(month.firstDay - 1);
      bits = daysOf(month);
    }
    return null;
  }

  /** The matching days in [from, to). */
  function countDays(from: number, to: number): number {
    let month = monthOf(from);
    let bits = daysOf(month) & (-1 << (from - month.firstDay));
    let days = 0;
    while (month.firstDay + month.length <= to) {
      days += bitCount(bits);
      month = monthAfter(month);
      bits = daysOf(month);
    }
    // The last month is cut off at `to`, which is less than a month away, so the shift is at most 30.
    const cut = to > month.firstDay ? ~(-1 << (to - month.firstDay)) : 0;
    return days + bitCount(bits & cut);
  }

  return {
    next(wall) {
      const day = Math.floor(wall / DAY_MS);
      if (matchesDay(day)) {
        const number = rank(wall - day * DAY_MS);
        if (number < timesADay) return day * DAY_MS + select(number);
      }
      const later = nextDay(day + 1);
      return later === null ? null : later * DAY_MS + select(0);
    },
    previous(wall) {
      const day = Math.floor(wall / DAY_MS);
      if (matchesDay(day)) {
        const number = rank(wall - day * DAY_MS);
        if (number > 0) return day * DAY_MS + select(number - 1);
      }
      const earlier = previousDay(day);
      return earlier === null ? null : earlier * DAY_MS + select(timesADay - 1);
    },
    count(from, to) {
      if (to <= from) return 0;
      const [first, last] = [Math.floor(from / DAY_MS), Math.floor(to / DAY_MS)];
      const ahead = matchesDay(first) ? rank(from - first * DAY_MS) : 0;
      const within = matchesDay(last) ? rank(to - last * DAY_MS) : 0;
      return countDays(first, last) * timesADay - ahead + within;
    },
  };
}

/** A field's values, and for each number below `size` how many of them are less. */
interface Ladder {
  readonly values: Uint8Array;
  readonly rank: Uint8Array;
  has(value: number): boolean;
}

function ladder(values: readonly number[], size: number): Ladder {
  const rank = new Uint8Array(size + 2);
  const member = new Uint8Array(size + 1);
  for (const value of values) member[value] = 1;
  for (let i = 0; i <= size; i++) rank[i + 1] = rank[i]! + member[i]!;
  return { values: Uint8Array.from(values), rank, has: (value) => member[value] === 1 };
}

/** The matching days of every shape of month: its first weekday × 4 + its length − 28. */
function monthTables(fields: CalendarFields): Int32Array {
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
function movingDays(fields: CalendarFields, firstWeekday: number, length: number): number {
  let days = fields.lastDay ? 1 << (length - 1) : 0;
  const shape = { firstWeekday, length };
  // The weekday nearest to the last day, without leaving the month, is the last weekday.
  if (fields.lastWeekday) days |= 1 << (nearestWeekday(length, shape) - 1);
  for (const day of fields.nearestWeekdays) {
    if (day <= length) days |= 1 << (nearestWeekday(day, shape) - 1);
  }
  return days;
}

function weekdaysIn(fields: CalendarFields, firstWeekday: number, length: number): number {
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

function bitsOf(values: readonly number[]): number {
  return values.reduce((bits, value) => bits | (1 << value), 0);
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function highestBit(bits: number): number {
  return 31 - Math.clz32(bits);
}

function bitCount(bits: number): number {
  let count = 0;
  for (let rest = bits; rest !== 0; rest &= rest - 1) count++;
  return count;
}
