import { CronPattern } from 'croner';
import { boundedCache } from '../bounded-cache.ts';
import { type DomainError, invalid } from '../error.ts';
import { type Calendar, createCalendar, EVERY_OCCURRENCE } from './calendar.ts';
import { CRON_FIELDS, explainField, isStandard, wrongFieldCount } from './cron-fields.ts';
import { parseGoDuration } from './go-duration.ts';

/** What a cron expression means: a calendar, in whatever zone it is read, or a fixed period. */
export type CronExpression =
  | {
      readonly kind: 'calendar';
      readonly calendar: Calendar;
      /** The hour field matches every hour: such runs follow the clock on the wall through its changes. */
      readonly everyHour: boolean;
    }
  | { readonly kind: 'every'; readonly periodMs: number };

/** Characters of an expression. */
export const CRON_LENGTH_MAX = 256;
/** Expressions remembered, about 1 KB each; the others are parsed anew, which takes some 100 µs. */
const REMEMBERED_MAX = 4096;

const NICKNAMES = ['@yearly', '@annually', '@monthly', '@weekly', '@daily', '@midnight', '@hourly'];

const remembered = boundedCache<string, CronExpression>(REMEMBERED_MAX);

/**
 * Reads a cron expression as crontab(5) does, with a few common additions:
 *
 * - 5 fields, minute, hour, day of month, month, day of week, or 6 with the second first. Each is `*`
 *   or a list of numbers, ranges (`1-5`), and steps over either (`8-18/2`); months and weekdays
 *   have names (`JAN`, `MON`, in any case), and Sunday is 0 or 7.
 * - `L` is the last day of the month, `5L` the last Friday of it, `5#3` the third Friday.
 * - `@yearly` `@annually` `@monthly` `@weekly` `@daily` `@midnight` `@hourly`, and `@every 1h30m` with
 *   a duration as Go writes it, which is a period and no calendar.
 * - Where both day fields are restricted, a day has to match one of them; where either contains a
 *   `*`, it has to match both. (So it says in crontab(5); croner asks for a bare `*`.)
 *
 * What croner has beyond that (`?`, `W`, `+`, years, `MON-FRI#2`) is refused: it means different
 * things in different places. Throws INVALID for `field`, saying where and why, also when no day ever
 * matches. Croner parses and validates; its objects take tens of kilobytes and none is kept.
 */
export function parseCron(expression: string, field = 'cron'): CronExpression {
  const known = remembered.get(expression);
  if (known !== undefined) return known;
  if (expression.length > CRON_LENGTH_MAX) {
    throw invalid(field, `has ${expression.length} characters; at most ${CRON_LENGTH_MAX} are allowed`);
  }
  const trimmed = expression.trim();
  const parsed = /^@every\b/i.test(trimmed) ? parseEvery(trimmed, field) : parseCalendar(trimmed, field);
  remembered.set(expression, parsed);
  return parsed;
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
  const nickname = expression.startsWith('@');
  if (nickname && !NICKNAMES.includes(expression.toLowerCase())) {
    throw invalid(
      field,
      `${JSON.stringify(expression)} is unknown; the nicknames are ${NICKNAMES.join(', ')} and @every with a duration`,
    );
  }
  const parts = expression.split(/[ \t]+/);
  if (!nickname && parts.length !== 5 && parts.length !== 6) throw wrongFieldCount(field, parts);
  // Without its first field, the second, the table fits 5 fields.
  const fields = CRON_FIELDS.slice(-parts.length);
  const strange = nickname ? -1 : fields.findIndex((spec, i) => !isStandard(parts[i]!, spec));
  if (strange >= 0) throw explainField(field, parts[strange]!, fields[strange]!);

  let pattern: CronPattern;
  try {
    pattern = new CronPattern(expression, undefined, { mode: '5-or-6-parts' });
  } catch (error) {
    throw locate(field, parts, error as Error);
  }
  const [dayOfMonth = '*', , dayOfWeek = '*'] = nickname ? fieldsOfNickname(pattern) : parts.slice(-3);
  const calendar = createCalendar({
    seconds: valuesOf(pattern.second, 0),
    minutes: valuesOf(pattern.minute, 0),
    hours: valuesOf(pattern.hour, 0),
    months: valuesOf(pattern.month, 1),
    days: valuesOf(pattern.day, 1),
    lastDay: pattern.lastDayOfMonth,
    weekdays: Array.from({ length: 7 }, (_, weekday) => pattern.dayOfWeek[weekday]! & EVERY_OCCURRENCE),
    combineDays: dayOfMonth.includes('*') || dayOfWeek.includes('*') ? 'BOTH' : 'EITHER',
  });
  if (calendar.next(0) === null) {
    const month = parts.at(-2)!;
    throw invalid(
      field,
      `never fires: no day of month ${JSON.stringify(dayOfMonth)} exists in month ${JSON.stringify(month)}`,
    );
  }
  return { kind: 'calendar', calendar, everyHour: valuesOf(pattern.hour, 0).length === 24 };
}

/** Croner refused the expression: finds the field that it refuses by itself, and says why. */
function locate(field: string, parts: readonly string[], error: Error): DomainError {
  const fields = CRON_FIELDS.slice(-parts.length);
  for (const [i, spec] of fields.entries()) {
    const alone = fields.map((_, other) => (other === i ? parts[i]! : '*')).join(' ');
    try {
      new CronPattern(alone, undefined, { mode: '5-or-6-parts' });
    } catch {
      return explainField(field, parts[i]!, spec);
    }
  }
  return invalid(field, `cannot be read as cron: ${error.message}`);
}

/** Croner replaces a nickname by its fields. */
function fieldsOfNickname(pattern: CronPattern): string[] {
  return pattern.pattern.split(' ').slice(-3);
}

/** The positions that are set, counted from `base`. */
function valuesOf(members: readonly number[], base: number): number[] {
  const values: number[] = [];
  for (const [i, member] of members.entries()) if (member) values.push(i + base);
  return values;
}
