import { boundedCache } from '../../bounded-cache.ts';
import { invalid } from '../../error.ts';
import { type PlainCalendar, plainCalendar } from '../calendar/calendar.ts';
import { DAY_MS } from '../calendar/days.ts';
import { intervalDays } from '../calendar/interval-days.ts';
import { listedTimes } from '../calendar/times-of-day.ts';
import { unionCalendar } from '../calendar/union.ts';
import { parseCron } from '../cron.ts';
import type { Interval, InZone, Schedule } from '../schedule.ts';
import { offsetAt } from '../zone.ts';
import { type LeftOut, leftOutBy } from './left-out.ts';
import { outside } from './outside.ts';
import { periodRuns } from './period-runs.ts';
import type { Runs } from './runs.ts';
import { countRuns, firstRun, lastRun, type ZonedRule } from './zoned-runs.ts';

/** How far back a count is exact. A year of sixteen crons of every second takes some 100 ms. */
const EXACT_COUNT_MS = 366 * DAY_MS;
/** Schedules remembered, some KB each. The others are put together again, which takes some 20 µs. */
const REMEMBERED_MAX = 1024;

interface Remembered {
  readonly anchorAt: number;
  readonly runs: Runs;
}

/** By identity: whoever keeps a webhook keeps its schedule. */
const remembered = boundedCache<Schedule, Remembered>(REMEMBERED_MAX);

/**
 * The nominal times of a schedule of several crons, of an interval, or with exceptions, its start and end
 * not considered. Counts are exact up to a year; what lies further back is taken to be as that year.
 * Throws INVALID for what `scheduleViolations` would refuse.
 */
export function compoundRuns(schedule: Schedule, anchorAt: number): Runs {
  const known = remembered.get(schedule);
  if (known?.anchorAt === anchorAt) return known.runs;
  const runs = runsOf(schedule, anchorAt);
  remembered.set(schedule, { anchorAt, runs });
  return runs;
}

function runsOf(schedule: Schedule, anchorAt: number): Runs {
  const { exceptions } = schedule;
  const leftOut = exceptions && leftOutBy(exceptions);
  return estimated(outside(exceptions?.spans ?? [], ringing(schedule, anchorAt, leftOut)));
}

/** The runs without those at local times that are left out. */
function ringing({ when, startAt, exceptions }: Schedule, anchorAt: number, leftOut?: LeftOut): Runs {
  const periodic = (periodMs: number) => {
    const covered = exceptions && leftOut && { zone: exceptions.timeZone, leftOut };
    return periodRuns(startAt ?? anchorAt + periodMs, periodMs, covered);
  };
  switch (when.kind) {
    case 'every':
      return periodic(when.periodMs);
    case 'cron': {
      const parsed = parseCron(when.expression);
      return parsed.kind === 'every' ? periodic(parsed.periodMs) : inZone(when, [parsed], leftOut);
    }
    case 'crons':
      return inZone(when, when.expressions.map(partOf), leftOut);
    case 'interval':
      return inZone(when, [intervalPart(when, startAt ?? anchorAt)], leftOut);
    case 'at':
      throw new RangeError('a single run has no compound');
    default:
      return when satisfies never;
  }
}

interface Part {
  readonly calendar: PlainCalendar;
  readonly everyHour: boolean;
}

function partOf(expression: string): Part {
  const parsed = parseCron(expression);
  if (parsed.kind === 'calendar') return parsed;
  throw invalid('crons', '@every is a period, which cannot be one of several expressions');
}

function intervalPart({ interval, timeZone }: InZone & { interval: Interval }, anchorAt: number): Part {
  const anchorDay = Math.floor((anchorAt + offsetAt(timeZone, anchorAt)) / DAY_MS);
  const times = listedTimes(interval.times.map(secondOfDay));
  return { calendar: plainCalendar(intervalDays(interval, anchorDay), times), everyHour: false };
}

/** `09:00` or `09:00:30` in seconds since midnight. */
function secondOfDay(time: string): number {
  const [hour = 0, minute = 0, second = 0] = time.split(':').map(Number);
  return (hour * 60 + minute) * 60 + second;
}

function inZone({ timeZone, dstGap, dstOverlap }: InZone, parts: readonly Part[], leftOut?: LeftOut): Runs {
  const calendars = (some: readonly Part[]) => some.map(({ calendar }) => calendar);
  const hourly = parts.filter(({ everyHour }) => everyHour);
  const others = parts.filter(({ everyHour }) => !everyHour);
  const calendar = unionCalendar(calendars(parts), leftOut);
  const again =
    dstOverlap === 'BOTH' || others.length === 0 ? calendar : unionCalendar(calendars(hourly), leftOut);
  const rule: ZonedRule = {
    zone: timeZone,
    calendar,
    again,
    // What is left out is judged by what the clock shows when a run rings, which is after the gap.
    lost: dstGap === 'SHIFT' && others.length > 0 ? unionCalendar(calendars(others)) : null,
    ...(leftOut && { isLeftOut: leftOut.covers }),
  };
  return {
    first: (from, to) => firstRun(rule, from, to),
    last: (from, to) => lastRun(rule, from, to),
    count: (from, to) => countRuns(rule, from, to),
  };
}

function estimated(runs: Runs): Runs {
  return {
    ...runs,
    count(from, to) {
      if (to - from <= EXACT_COUNT_MS) return runs.count(from, to);
      return Math.round((runs.count(to - EXACT_COUNT_MS, to) * (to - from)) / EXACT_COUNT_MS);
    },
  };
}
