import { EVERY_OCCURRENCE, LAST_OCCURRENCE } from '../calendar/cron-days.ts';
import type { CronFields } from '../cron-fields.ts';
import { clock, everyFew, list, ordinal, ranges, stepOf } from './english.ts';

/** Times of a day that are named one by one; more are named by their fields. */
const LISTED_MAX = 6;
const EVERY_DAY = 'every day';
const MONTHS = [
  ...['January', 'February', 'March', 'April', 'May', 'June'],
  ...['July', 'August', 'September', 'October', 'November', 'December'],
];
const WEEKDAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday'];

/**
 * What a cron expression matches, in plain English. Two that match different times are never worded alike;
 * the words follow from what is matched, so 0-59/5 reads as every 5 minutes.
 */
export function cronWords(fields: CronFields): string {
  const times = timeWords(fields);
  // What is every minute or every hour needs no day.
  const needsDay = /^at \d/.test(times);
  const days = dayWords(fields) ?? EVERY_DAY;
  return `${times} ${needsDay ? days : days.replace(EVERY_DAY, '')}`.trimEnd().replace('  ', ' ');
}

/** The minutes that an expression covers as an exception: whole days are named by their dates alone. */
export function coveredWords(fields: CronFields): string {
  const wholeDays = fields.hours.length === 24 && fields.minutes.length === 60;
  return (wholeDays ? dayWords(fields) : undefined) ?? cronWords(fields);
}

function timeWords({ seconds, minutes, hours }: CronFields): string {
  const size = seconds.length * minutes.length * hours.length;
  const anHour = seconds.length * minutes.length;
  const all = () => hours.flatMap((h) => minutes.flatMap((m) => seconds.map((s) => (h * 60 + m) * 60 + s)));
  if (size <= LISTED_MAX) return `at ${clocks(all())}`;
  if (anHour > 1) return withinHours(secondAndMinuteWords(seconds, minutes), hours);
  const [past] = [minutes[0]! * 60 + seconds[0]!];
  if (hours.length === 24) return `every hour${past === 0 ? '' : ` at ${pastTheHour(past)}`}`;
  const step = stepOf(hours);
  if (step === undefined) return `at ${clocks(all())}`;
  const [first, last] = [hours[0]!, hours.at(-1)!].map((hour) => hour * 3600 + past);
  return `${everyFew(step, 'hour')} from ${clock(first!)} to ${clock(last!)}`;
}

/** With seconds where any of them has some, so that they read alike. */
function clocks(times: readonly number[]): string {
  const withSeconds = times.some((time) => time % 60 !== 0);
  return list(times.map((time) => clock(time, withSeconds)));
}

function pastTheHour(second: number): string {
  const minute = `minute ${Math.floor(second / 60)}`;
  return second % 60 === 0 ? minute : `second ${second % 60} of ${minute}`;
}

function secondAndMinuteWords(seconds: readonly number[], minutes: readonly number[]): string {
  const minuteStep = wholeStepOf(minutes);
  const ofMinutes = minutes.length === 60 ? '' : ` of ${numbered('minute', minutes)}`;
  if (seconds.length === 1 && seconds[0] === 0) {
    return minuteStep === undefined
      ? `at ${numbered('minute', minutes)} of every hour`
      : everyFew(minuteStep, 'minute');
  }
  const secondStep = wholeStepOf(seconds);
  if (secondStep !== undefined) return everyFew(secondStep, 'second') + ofMinutes;
  return `at ${numbered('second', seconds)} of ${minutes.length === 60 ? 'every minute' : numbered('minute', minutes)}`;
}

function numbered(unit: string, values: readonly number[]): string {
  return `${unit} ${ranges(values)}`;
}

function withinHours(words: string, hours: readonly number[]): string {
  if (hours.length === 24) return words;
  const within = words.replace(/ of every hour$/, '');
  const isRow = stepOf(hours) === 1 || hours.length === 1;
  if (!isRow) return `${within} in hour ${ranges(hours)}`;
  return `${within} from ${clock(hours[0]! * 3600)} to ${clock(hours.at(-1)! * 3600 + 59 * 60)}`;
}

/** How far apart the values of a minute or an hour are that go on so across its end: 0, 15, 30, 45. */
function wholeStepOf(values: readonly number[]): number | undefined {
  const step = stepOf(values);
  return values[0] === 0 && step !== undefined && step * values.length === 60 ? step : undefined;
}

/** Undefined for every day. */
function dayWords(fields: CronFields): string | undefined {
  const anyDay = fields.days.length === 31;
  const anyWeekday = fields.weekdays.every((occurrences) => occurrences === EVERY_OCCURRENCE);
  const months =
    fields.months.length === 12 ? undefined : ranges(fields.months, (month) => MONTHS[month - 1]!);
  const within = months === undefined ? '' : ` in ${months}`;
  const isEveryDay = fields.combineDays === 'EITHER' ? anyDay || anyWeekday : anyDay && anyWeekday;
  if (isEveryDay) return months && `${EVERY_DAY}${within}`;
  if (anyDay) return `on ${weekdayWords(fields)}${within}`;
  if (anyWeekday) return `on ${monthDayWords(fields)} of ${months ?? 'the month'}`;
  const [byWeekday, byDay] = [weekdayWords(fields), `${monthDayWords(fields)} of the month`];
  const either = fields.combineDays === 'EITHER';
  const both = either ? `on ${byDay} or on ${byWeekday}` : `on ${byWeekday} if it is ${byDay}`;
  return months === undefined ? both : `${both},${within}`;
}

function monthDayWords({ days, nearestWeekdays, lastWeekday, lastDay }: CronFields): string {
  const nearest = nearestWeekdays.map((day) => `weekday nearest to the ${ordinal(day)}`);
  const last = [...(lastWeekday ? ['last weekday'] : []), ...(lastDay ? ['last day'] : [])];
  const plain = days.length === 0 ? [] : [ranges(days, ordinal)];
  return `the ${list([...plain, ...nearest, ...last])}`;
}

/** In the order of a week that begins on Monday. */
function weekdayWords({ weekdays }: CronFields): string {
  const inOrder = [1, 2, 3, 4, 5, 6, 0];
  const whole = inOrder.flatMap((day, i) => (weekdays[day] === EVERY_OCCURRENCE ? [i] : []));
  const some = inOrder.filter((day) => weekdays[day] !== 0 && weekdays[day] !== EVERY_OCCURRENCE);
  const names = whole.length === 0 ? [] : [ranges(whole, (i) => WEEKDAYS[inOrder[i]!]!)];
  return list([...names, ...some.map((day) => occurrenceWords(weekdays[day]!, WEEKDAYS[day]!))]);
}

/** `the 1st and 3rd Friday of the month` */
function occurrenceWords(occurrences: number, name: string): string {
  const numbers = [0, 1, 2, 3, 4].filter((n) => (occurrences >> n) & 1).map((n) => ordinal(n + 1));
  const last = (occurrences >> LAST_OCCURRENCE) & 1 ? ['last'] : [];
  return `the ${list([...numbers, ...last])} ${name} of the month`;
}
