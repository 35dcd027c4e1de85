import { boundedCache } from '../../bounded-cache.ts';
import { DAY_MS } from '../calendar/days.ts';
import { unionCalendar } from '../calendar/union.ts';
import type { InZone, Schedule } from '../schedule.ts';
import { type LeftOut, leftOutBy } from './left-out.ts';
import { outside } from './outside.ts';
import { type Part, rungBy } from './parts.ts';
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
function ringing(schedule: Schedule, anchorAt: number, leftOut?: LeftOut): Runs {
  const { startAt, exceptions } = schedule;
  const by = rungBy(schedule, anchorAt);
  if (by === undefined) throw new RangeError('a single run has no compound');
  if (by.kind === 'clock') return inZone(by.zone, by.parts, leftOut);
  const covered = exceptions && leftOut && { zone: exceptions.timeZone, leftOut };
  return periodRuns(startAt ?? anchorAt + by.periodMs, by.periodMs, covered);
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
