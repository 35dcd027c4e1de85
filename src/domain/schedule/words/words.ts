import { DAY_MS } from '../calendar/days.ts';
import { monthOf } from '../calendar/month.ts';
import { parseCronFields } from '../cron.ts';
import { periodOf } from '../runs/parts.ts';
import { type Exceptions, type Interval, type Schedule, WEEKDAYS, type When } from '../schedule.ts';
import { offsetAt } from '../zone.ts';
import { coveredWords, cronWords } from './cron-words.ts';
import { counted, everyFew, list, ordinal, ranges } from './english.ts';
import { localTime } from './local-time.ts';

/** Dates and spans that are named one by one; more are counted. */
const LISTED_MAX = 3;
const WEEKDAY_NAMES = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'];
const UNITS = [
  ['day', DAY_MS],
  ['hour', 3_600_000],
  ['minute', 60_000],
] as const;

/**
 * When a schedule rings, in plain English: `at 09:00 on Monday to Friday (Europe/Vienna)`. Throws INVALID for
 * what `scheduleViolations` would refuse.
 */
export function scheduleWords(schedule: Schedule, anchorAt: number): string {
  const { when, startAt, endAt, maxRuns, exceptions } = schedule;
  const zone = zoneOf(schedule) ?? 'UTC';
  const named = ` (${zone})`;
  // A period goes by no clock, but what leaves out its runs may.
  const goesByClock = 'timeZone' in when && periodOf(when) === undefined;
  const leavesOutByClock = exceptions !== undefined && exceptions.dates.length + exceptions.crons.length > 0;
  const bounds = [
    ...(startAt === undefined ? [] : [`not before ${localTime(zone, startAt)}`]),
    ...(endAt === undefined ? [] : [`until ${localTime(zone, endAt)}`]),
    ...(maxRuns ? [`${counted(maxRuns, 'run')} at most`] : []),
  ];
  const except =
    exceptions === undefined
      ? []
      : [`except ${exceptionWords(exceptions)}${leavesOutByClock && !goesByClock ? named : ''}`];
  return [`${whenWords(when, startAt ?? anchorAt)}${goesByClock ? named : ''}`, ...except, ...bounds].join(
    '; ',
  );
}

/** The zone whose clocks a schedule goes by; undefined for one that goes by none. */
export function zoneOf({ when, exceptions }: Schedule): string | undefined {
  return 'timeZone' in when ? when.timeZone : exceptions?.timeZone;
}

function whenWords(when: When, anchorAt: number): string {
  switch (when.kind) {
    case 'every':
      return periodWords(when.periodMs);
    case 'cron': {
      const periodMs = periodOf(when);
      return periodMs === undefined ? cronWords(parseCronFields(when.expression)) : periodWords(periodMs);
    }
    case 'crons': {
      const all = when.expressions.map((expression) => cronWords(parseCronFields(expression)));
      return [...new Set(all)].join('; and ');
    }
    case 'interval':
      return intervalWords(
        when.interval,
        Math.floor((anchorAt + offsetAt(when.timeZone, anchorAt)) / DAY_MS),
      );
    case 'at':
      return `once, at ${localTime('UTC', when.at)}`;
    default:
      return when satisfies never;
  }
}

/** In the largest unit of which it is a whole number, down to seconds. */
function periodWords(ms: number): string {
  const [unit, size] = UNITS.find(([, each]) => ms % each === 0) ?? (['second', 1000] as const);
  return everyFew(ms / size, unit);
}

function intervalWords({ unit, count, times, weekdays, daysOfMonth }: Interval, anchorDay: number): string {
  const at = `at ${list([...new Set(times)].sort())}`;
  switch (unit) {
    case 'DAYS':
      return `${everyFew(count, 'day')} ${at}`;
    case 'WEEKS': {
      // The epoch was a Thursday.
      const own = (((anchorDay + 3) % 7) + 7) % 7;
      const days = WEEKDAYS.flatMap((day, i) => (weekdays.includes(day) ? [i] : []));
      const named = ranges(days.length === 0 ? [own] : days, (day) => WEEKDAY_NAMES[day]!);
      return `${everyFew(count, 'week')} on ${named} ${at}`;
    }
    case 'MONTHS': {
      const own = anchorDay - monthOf(anchorDay).firstDay + 1;
      const days = daysOfMonth.length === 0 ? [own] : [...new Set(daysOfMonth)].sort((a, b) => a - b);
      const short = days.some((day) => day > 28) ? ', or the last day of a shorter month,' : '';
      return `${everyFew(count, 'month')} on the ${ranges(days, ordinal)}${short} ${at}`;
    }
    default:
      return unit satisfies never;
  }
}

function exceptionWords({ timeZone, dates, spans, crons }: Exceptions): string {
  const days = [...new Set(dates)].sort();
  const onDates = days.length > LISTED_MAX ? counted(days.length, 'date') : list(days);
  const times = spans.map(
    ({ startAt, endAt }) => `from ${localTime(timeZone, startAt)} to ${localTime(timeZone, endAt)}`,
  );
  return list([
    ...(days.length === 0 ? [] : [`on ${onDates}`]),
    ...(times.length > LISTED_MAX ? [`in ${counted(times.length, 'span')} of time`] : times),
    ...crons.map((expression) => coveredWords(parseCronFields(expression))),
  ]);
}
