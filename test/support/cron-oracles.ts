/**
 * Other ways to find the matches of a cron expression, to hold ours against: two libraries where they
 * support the syntax, and a search by hand that supports all of it and is slow. All are read in UTC
 * unless a zone is given.
 */
import { CronExpressionParser } from 'cron-parser';
import { Cron } from 'croner';
import { DAY } from './schedule.ts';

const MONTHS = ['', 'JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];
const WEEKDAYS = ['SUN', 'MON', 'TUE', 'WED', 'THU', 'FRI', 'SAT'];

/** Six fields; the second is 0 where there are five. */
function fieldsOf(expression: string): [string, string, string, string, string, string] {
  const parts = expression.toUpperCase().split(' ');
  return (parts.length === 5 ? ['0', ...parts] : parts) as ReturnType<typeof fieldsOf>;
}

/**
 * Whether croner reads this as we do. It refuses LW in a list, and takes a range from Sunday to SUN for
 * every day.
 */
export function cronerReads(expression: string): boolean {
  const [, , , dayOfMonth, , dayOfWeek] = fieldsOf(expression);
  return !/LW,|,LW/.test(dayOfMonth) && !/[07N]-SUN/.test(dayOfWeek);
}

export function nextByCroner(expression: string, after: number, timezone = 'UTC'): number | null {
  const [, , , dayOfMonth, , dayOfWeek] = fieldsOf(expression);
  // Only a bare * makes a day field unrestricted for it.
  const domAndDow = dayOfMonth.includes('*') || dayOfWeek.includes('*');
  const cron = new Cron(expression, { timezone, domAndDow, mode: '5-or-6-parts' });
  return cron.nextRun(new Date(after))?.getTime() ?? null;
}

/**
 * Whether cron-parser reads this as we do. It knows no W and no range that ends with SUN, refuses values
 * that come twice in a list and lists with L or # in them, and takes only a bare * for an unrestricted
 * day field.
 */
export function cronParserReads(expression: string): boolean {
  const [second, minute, hour, dayOfMonth, month, dayOfWeek] = fieldsOf(expression);
  const days = dayOfMonth + dayOfWeek;
  if (/W(?!ED)/.test(days) || /-SUN/.test(dayOfWeek) || /[L#].*,|,.*[L#]/.test(dayOfWeek)) return false;
  if (/\*/.test(days) && dayOfMonth !== '*' && dayOfWeek !== '*') return false;
  const repeats = [
    repeatsValue(second, 0, 59),
    repeatsValue(minute, 0, 59),
    repeatsValue(hour, 0, 23),
    repeatsValue(dayOfMonth, 1, 31),
    repeatsValue(month, 1, 12, MONTHS),
    repeatsValue(dayOfWeek, 0, 7, WEEKDAYS),
  ];
  return !repeats.includes(true) && !(/[07]/.test(dayOfWeek) && /,/.test(dayOfWeek));
}

export function nextByCronParser(expression: string, after: number, tz = 'UTC'): number {
  const options = { currentDate: new Date(after), tz };
  return CronExpressionParser.parse(expression, options).next().getTime();
}

/** The first match after a time by looking at every day, hour, minute and second, in UTC. */
export function nextByHand(expression: string, after: number, days = 40 * 366): number | null {
  const [second, minute, hour] = fieldsOf(expression);
  const seconds = valuesByHand(second, 0, 59);
  const minutes = valuesByHand(minute, 0, 59);
  const hours = valuesByHand(hour, 0, 23);
  const today = Math.floor(after / DAY) * DAY;
  for (let day = today; day <= today + days * DAY; day += DAY) {
    if (!isDayByHand(expression, day)) continue;
    for (const h of hours) {
      for (const m of minutes) {
        for (const s of seconds) {
          const at = day + ((h * 60 + m) * 60 + s) * 1000;
          if (at > after) return at;
        }
      }
    }
  }
  return null;
}

/** The minutes of a matching day that have a match, counted from midnight. */
export function minutesByHand(expression: string): Set<number> {
  const [, minute, hour] = fieldsOf(expression);
  const minutes = valuesByHand(minute, 0, 59);
  return new Set(valuesByHand(hour, 0, 23).flatMap((h) => minutes.map((m) => h * 60 + m)));
}

/** Whether there is a match on the day that begins at this time, in the words of the documentation. */
export function isDayByHand(expression: string, midnight: number): boolean {
  const [, , , dayOfMonth, month, dayOfWeek] = fieldsOf(expression);
  const date = new Date(midnight);
  if (!month.split(',').some((item) => isValue(item, date.getUTCMonth() + 1, 1, MONTHS))) return false;
  const byDay = dayOfMonth.split(',').some((item) => isDayOfMonth(item, date));
  const byWeekday = dayOfWeek.split(',').some((item) => isDayOfWeek(item, date));
  return /\*/.test(dayOfMonth + dayOfWeek) ? byDay && byWeekday : byDay || byWeekday;
}

function valuesByHand(text: string, min: number, max: number, names: readonly string[] = []): number[] {
  const all = Array.from({ length: max - min + 1 }, (_, i) => min + i);
  return all.filter((value) => text.split(',').some((item) => isValue(item, value, min, names)));
}

function repeatsValue(text: string, min: number, max: number, names: readonly string[] = []): boolean {
  const values = text.split(',').flatMap((item) => valuesByHand(item, min, max, names));
  return new Set(values).size < values.length;
}

function isValue(item: string, value: number, min: number, names: readonly string[]): boolean {
  const [span = '', step = '1'] = item.split('/');
  const [from, to] = (span === '*' ? [String(min), '99'] : span.split('-')).map((text) =>
    names.includes(text) ? names.indexOf(text) : Number(text),
  );
  return value >= from! && value <= (to ?? from!) && (value - from!) % Number(step) === 0;
}

function isDayOfMonth(item: string, date: Date): boolean {
  if (/^[^LW]+$/.test(item)) return isValue(item, date.getUTCDate(), 1, []);
  const last = daysOfMonth(date).at(-1)!;
  if (item === 'L') return date.getTime() === last.getTime();
  const weekdays = daysOfMonth(date).filter((day) => day.getUTCDay() >= 1 && day.getUTCDay() <= 5);
  if (item === 'LW') return date.getTime() === weekdays.at(-1)!.getTime();
  const wanted = Number(item.slice(0, -1));
  if (wanted > last.getUTCDate()) return false;
  const far = (day: Date) => Math.abs(day.getUTCDate() - wanted);
  return far(date) === Math.min(...weekdays.map(far)) && weekdays.some((day) => +day === +date);
}

function isDayOfWeek(item: string, date: Date): boolean {
  const [, name, occurrence] = /^(.*?)(#\d|(?<=.)L)?$/.exec(item)!;
  const sunday = /^(SUN|0|7)-SUN/.test(name!) ? 'SUN' : name!.replace('-SUN', '-7');
  const weekday = date.getUTCDay();
  if (![weekday, weekday || 7].some((value) => isValue(sunday, value, 0, WEEKDAYS))) return false;
  const alike = daysOfMonth(date).filter((day) => day.getUTCDay() === weekday);
  if (occurrence === 'L') return +alike.at(-1)! === +date;
  return occurrence === undefined || +(alike[Number(occurrence.slice(1)) - 1] ?? Number.NaN) === +date;
}

const months = new Map<number, Date[]>();

/** Every day of the month that a date is in. */
function daysOfMonth(date: Date): Date[] {
  const [year, month] = [date.getUTCFullYear(), date.getUTCMonth()];
  let days = months.get(year * 12 + month);
  if (days === undefined) {
    const length = new Date(Date.UTC(year, month + 1, 0)).getUTCDate();
    days = Array.from({ length }, (_, i) => new Date(Date.UTC(year, month, i + 1)));
    months.set(year * 12 + month, days);
  }
  return days;
}
