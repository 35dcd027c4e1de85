import { type Interval, WEEKDAYS } from '../schedule.ts';
import type { Days } from './days.ts';
import { type Month, monthOf } from './month.ts';
import { monthlyDays } from './month-days.ts';

/** The days of an interval that is counted from the anchor's day, in both directions. */
export function intervalDays(interval: Interval, anchorDay: number): Days {
  switch (interval.unit) {
    case 'DAYS':
      return everyNth(interval.count, anchorDay);
    case 'WEEKS':
      return weeklyDays(interval, anchorDay);
    case 'MONTHS':
      return monthsApart(interval, anchorDay);
    default:
      return interval.unit satisfies never;
  }
}

function everyNth(count: number, anchorDay: number): Days {
  /** The first at `day` or later. */
  const from = (day: number) => day + modulo(anchorDay - day, count);
  return {
    has: (day) => modulo(day - anchorDay, count) === 0,
    next: from,
    previous: (day) => from(day) - count,
    count: (first, last) => Math.max(0, (from(last) - from(first)) / count),
  };
}

/** For each day of the week a series of its own, seven times as many days apart. */
function weeklyDays({ count, weekdays }: Interval, anchorDay: number): Days {
  // The epoch was a Thursday.
  const monday = anchorDay - modulo(anchorDay + 3, 7);
  const first = [...new Set(weekdays)].map((weekday) => monday + WEEKDAYS.indexOf(weekday));
  const series = (first.length === 0 ? [anchorDay] : first).map((day) => everyNth(7 * count, day));
  return {
    has: (day) => series.some((days) => days.has(day)),
    next: (day) => Math.min(...series.map((days) => days.next(day)!)),
    previous: (day) => Math.max(...series.map((days) => days.previous(day)!)),
    count: (from, to) => series.reduce((sum, days) => sum + days.count(from, to), 0),
  };
}

function monthsApart({ count, daysOfMonth }: Interval, anchorDay: number): Days {
  const anchor = monthOf(anchorDay);
  const wanted = daysOfMonth.length === 0 ? [anchorDay - anchor.firstDay + 1] : daysOfMonth;
  const number = ({ year, month }: Month) => year * 12 + month;
  return monthlyDays((month) => {
    if (modulo(number(month) - number(anchor), count) !== 0) return 0;
    return wanted.reduce((bits, day) => bits | (1 << (Math.min(day, month.length) - 1)), 0);
  });
}

function modulo(a: number, b: number): number {
  return ((a % b) + b) % b;
}
