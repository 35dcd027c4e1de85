import { invalid } from '../../error.ts';
import { type PlainCalendar, plainCalendar } from '../calendar/calendar.ts';
import { DAY_MS } from '../calendar/days.ts';
import { intervalDays } from '../calendar/interval-days.ts';
import { listedTimes } from '../calendar/times-of-day.ts';
import { parseCron } from '../cron.ts';
import type { Interval, InZone, Schedule, When } from '../schedule.ts';
import { offsetAt } from '../zone.ts';

/** What a schedule rings by: wall times read in a zone, of any of the parts, or a fixed period. */
export type RungBy =
  | { readonly kind: 'clock'; readonly zone: InZone; readonly parts: readonly Part[] }
  | { readonly kind: 'period'; readonly periodMs: number };

export interface Part {
  readonly calendar: PlainCalendar;
  /** Whether it follows the clock as it shows, whatever the DST policies. */
  readonly everyHour: boolean;
}

/** Undefined for a single run. Throws INVALID for what `scheduleViolations` would refuse. */
export function rungBy(
  { when, startAt }: Pick<Schedule, 'when' | 'startAt'>,
  anchorAt: number,
): RungBy | undefined {
  switch (when.kind) {
    case 'every':
      return { kind: 'period', periodMs: when.periodMs };
    case 'cron': {
      const parsed = parseCron(when.expression);
      return parsed.kind === 'every'
        ? { kind: 'period', periodMs: parsed.periodMs }
        : byClock(when, [parsed]);
    }
    case 'crons':
      return byClock(when, when.expressions.map(partOf));
    case 'interval':
      return byClock(when, [intervalPart(when, startAt ?? anchorAt)]);
    case 'at':
      return undefined;
    default:
      return when satisfies never;
  }
}

/** The period of a schedule that has one; undefined for another. */
export function periodOf(when: When): number | undefined {
  const by = when.kind === 'every' || when.kind === 'cron' ? rungBy({ when }, 0) : undefined;
  return by?.kind === 'period' ? by.periodMs : undefined;
}

function byClock(zone: InZone, parts: readonly Part[]): RungBy {
  return { kind: 'clock', zone, parts };
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
