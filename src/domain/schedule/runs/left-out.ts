import { DAY_MS } from '../calendar/days.ts';
import {
  addMinutes,
  everyMinute,
  hasMinute,
  MINUTE_MS,
  type MinuteSet,
  noMinutes,
} from '../calendar/minute-set.ts';
import { parseCoveredMinutes } from '../cron.ts';
import type { Exceptions } from '../schedule.ts';

/** The wall times that exceptions cover: whole minutes of local days. */
export interface LeftOut {
  /** The minutes of a day, counted since the epoch, until the next call; null when none is covered. */
  on(day: number): MinuteSet | null;
  covers(wall: number): boolean;
}

/** Undefined when there are neither dates nor crons. Throws INVALID for an expression that cannot be read. */
export function leftOutBy({ dates, crons }: Exceptions): LeftOut | undefined {
  if (dates.length === 0 && crons.length === 0) return undefined;
  const wholeDays = new Set(dates.map(dayOf));
  const covered = crons.map((expression) => parseCoveredMinutes(expression, 'exceptions.crons'));
  const all = everyMinute();
  // One day's minutes at a time, since most questions are about the day of the question before.
  const minutes = noMinutes();
  let minutesDay = Number.NaN;
  let someCovered = false;

  function on(day: number): MinuteSet | null {
    if (wholeDays.has(day)) return all;
    if (day !== minutesDay) {
      minutesDay = day;
      const there = covered.filter(({ days }) => days.has(day));
      someCovered = there.length > 0;
      minutes.fill(0);
      for (const { times } of there) addMinutes(minutes, times.minutes());
    }
    return someCovered ? minutes : null;
  }

  return {
    on,
    covers(wall) {
      const day = Math.floor(wall / DAY_MS);
      const minutes = on(day);
      return minutes !== null && hasMinute(minutes, Math.floor((wall - day * DAY_MS) / MINUTE_MS));
    },
  };
}

/** The day of a date such as `2026-12-24`, counted since the epoch; NaN for what is no date. */
export function dayOf(date: string): number {
  return /^\d{4}-\d{2}-\d{2}$/.test(date) ? Date.parse(`${date}T00:00:00Z`) / DAY_MS : Number.NaN;
}
