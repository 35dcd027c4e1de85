import { boundedCache } from '../bounded-cache.ts';
import { invalid } from '../error.ts';
import { type PlainCalendar, plainCalendar } from './calendar/calendar.ts';
import { cronDays, EVERY_OCCURRENCE } from './calendar/cron-days.ts';
import { combinedTimes } from './calendar/times-of-day.ts';
import { type CronFields, parseFields } from './cron-fields.ts';
import { parseGoDuration } from './go-duration.ts';

/** What a cron expression means: a calendar, to be read in some time zone, or a fixed period. */
export type CronExpression =
  | {
      readonly kind: 'calendar';
      readonly calendar: PlainCalendar;
      /** Whether the hour field matches every hour. Such runs follow the clock as it shows, whatever the DST policies. */
      readonly everyHour: boolean;
    }
  | { readonly kind: 'every'; readonly periodMs: number };

/** The longest expression, in characters. */
export const CRON_LENGTH_MAX = 256;
/** Expressions remembered, about 1 KB each. The others are parsed again, which takes some 20 µs. */
const REMEMBERED_MAX = 4096;

const EVERY = /^@every\b/i;

const NICKNAMES: ReadonlyMap<string, string> = new Map([
  ['@yearly', '0 0 1 1 *'],
  ['@annually', '0 0 1 1 *'],
  ['@monthly', '0 0 1 * *'],
  ['@weekly', '0 0 * * 0'],
  ['@daily', '0 0 * * *'],
  ['@midnight', '0 0 * * *'],
  ['@hourly', '0 * * * *'],
]);

const remembered = boundedCache<string, CronExpression>(REMEMBERED_MAX);

/**
 * Reads a cron expression as crontab(5) does, with a few common additions:
 *
 * - An expression has 5 fields (minute, hour, day of month, month, day of week), or 6 with the second
 *   first. Each is `*` or a list of numbers, ranges (`1-5`), and steps over either (`8-18/2`). Months
 *   and weekdays have names (`JAN`, `MON`, in any case), and Sunday is 0 or 7.
 * - `L` is the last day of the month, `5L` its last Friday, `5#3` its third Friday.
 * - `15W` is the weekday, Monday to Friday, that is nearest to the 15th without leaving the month, and
 *   `LW` is the last weekday of the month. A month without a 31st has no `31W`. The rule is Quartz's
 *   (see the class comment of org.quartz.CronExpression), whose newer versions take `W` in lists too.
 * - `@yearly` `@annually` `@monthly` `@weekly` `@daily` `@midnight` `@hourly` stand for five fields.
 *   `@every 1h30m`, with a duration as Go writes it, is a period and no calendar.
 * - If both day fields are restricted, a day has to match one of them. If either contains a `*`, even
 *   with a step, a day has to match both. This is crontab(5)'s rule, so that an expression rings on the
 *   days on which it did in a crontab. The code of Vixie cron looks at the first character of a field
 *   only, which makes a difference for lists that have a `*` further on.
 *
 * Other additions (`?`, `+`, `L-3`, years, `MON-FRI#2`) are refused, because they mean different things
 * in different places. Throws INVALID for `field`, saying where and why, also when no day ever matches.
 */
export function parseCron(expression: string, field = 'cron'): CronExpression {
  const known = remembered.get(expression);
  if (known !== undefined) return known;
  const trimmed = trim(expression, field);
  const parsed = EVERY.test(trimmed) ? parseEvery(trimmed, field) : parseCalendar(trimmed, field);
  remembered.set(expression, parsed);
  return parsed;
}

/** The fields of an expression that is no `@every`. Throws INVALID for `field`. */
export function parseCronFields(expression: string, field = 'cron'): CronFields {
  return parseFields(field, split(trim(expression, field), field));
}

/**
 * The minutes that an expression of five fields covers as an exception. There may be none. Throws INVALID
 * for `field`, saying where and why.
 */
export function parseCoveredMinutes(expression: string, field: string): PlainCalendar {
  const trimmed = trim(expression, field);
  if (EVERY.test(trimmed)) throw invalid(field, '@every is a period, which covers nothing; write 5 fields');
  const parts = split(trimmed, field);
  if (parts.length === 6) {
    throw invalid(field, 'has 6 fields; an exception covers whole minutes, so leave the second out');
  }
  return calendarOf(parseFields(field, parts));
}

function trim(expression: string, field: string): string {
  if (expression.length > CRON_LENGTH_MAX) {
    throw invalid(field, `has ${expression.length} characters; at most ${CRON_LENGTH_MAX} are allowed`);
  }
  return expression.trim();
}

function split(expression: string, field: string): string[] {
  return (expression.startsWith('@') ? expand(expression, field) : expression).split(/[ \t]+/);
}

function calendarOf(fields: CronFields): PlainCalendar {
  return plainCalendar(cronDays(fields), combinedTimes(fields));
}

function parseEvery(expression: string, field: string): CronExpression {
  const text = expression.slice('@every'.length).trim();
  const periodMs = parseGoDuration(text);
  if (periodMs === undefined) {
    throw invalid(
      field,
      `${JSON.stringify(text)} after @every is not a duration; write one such as 10s, 500ms or 1h30m`,
    );
  }
  if (periodMs <= 0 || !Number.isSafeInteger(periodMs)) {
    throw invalid(
      field,
      `${JSON.stringify(text)} after @every must be longer than 0 and a whole number of milliseconds`,
    );
  }
  return { kind: 'every', periodMs };
}

function parseCalendar(expression: string, field: string): CronExpression {
  const parts = split(expression, field);
  const fields = parseFields(field, parts);
  const calendar = calendarOf(fields);
  if (calendar.days.next(0) === null) throw invalid(field, `never fires: ${whyNever(fields, parts)}`);
  return { kind: 'calendar', calendar, everyHour: fields.hours.length === 24 };
}

/** Why no day matches, although every field by itself can be read. */
function whyNever(fields: CronFields, parts: readonly string[]): string {
  const [dayOfMonth, month, dayOfWeek] = parts.slice(-3).map((part) => JSON.stringify(part));
  const anyWeekday = fields.weekdays.map(() => EVERY_OCCURRENCE);
  if (cronDays({ ...fields, weekdays: anyWeekday, combineDays: 'BOTH' }).next(0) === null) {
    return `no day of month ${dayOfMonth} exists in month ${month}`;
  }
  return `in month ${month}, no day matches both day of month ${dayOfMonth} and day of week ${dayOfWeek}, and with a * in one of the two fields a day has to match both`;
}

/** The fields that a nickname stands for. */
function expand(nickname: string, field: string): string {
  const fields = NICKNAMES.get(nickname.toLowerCase());
  if (fields !== undefined) return fields;
  throw invalid(
    field,
    `${JSON.stringify(nickname)} is unknown; the nicknames are ${[...NICKNAMES.keys()].join(', ')} and @every with a duration`,
  );
}
