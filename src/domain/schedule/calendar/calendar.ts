import { DAY_MS, type Days } from './days.ts';
import type { TimesOfDay } from './times-of-day.ts';

/**
 * The wall times that a calendar matches, to the second, on a clock that knows nothing of zones (see
 * `zone.ts` for wall times). It costs the same to find the next match, the previous one, or how many lie
 * between, for one a year and one a second.
 */
export interface Calendar {
  /** The first match at this wall time or later; null when none comes within `SEARCH_MONTHS_MAX`. */
  next(wall: number): number | null;
  /** The last match before this wall time; null when there is none within `SEARCH_MONTHS_MAX`. */
  previous(wall: number): number | null;
  /** How many matches there are in [from, to). Costs some 20 ns for each month between. */
  count(from: number, to: number): number;
}

/** A calendar whose every day has the same times. */
export interface PlainCalendar extends Calendar {
  readonly days: Days;
  readonly times: TimesOfDay;
}

/** All of the times on each of the days. */
export function plainCalendar(days: Days, times: TimesOfDay): PlainCalendar {
  return {
    days,
    times,
    next(wall) {
      const day = Math.floor(wall / DAY_MS);
      if (days.has(day)) {
        const number = times.rank(wall - day * DAY_MS);
        if (number < times.size) return day * DAY_MS + times.select(number);
      }
      const later = days.next(day + 1);
      return later === null ? null : later * DAY_MS + times.select(0);
    },
    previous(wall) {
      const day = Math.floor(wall / DAY_MS);
      if (days.has(day)) {
        const number = times.rank(wall - day * DAY_MS);
        if (number > 0) return day * DAY_MS + times.select(number - 1);
      }
      const earlier = days.previous(day);
      return earlier === null ? null : earlier * DAY_MS + times.select(times.size - 1);
    },
    count(from, to) {
      if (to <= from) return 0;
      const [first, last] = [Math.floor(from / DAY_MS), Math.floor(to / DAY_MS)];
      const ahead = days.has(first) ? times.rank(from - first * DAY_MS) : 0;
      const within = days.has(last) ? times.rank(to - last * DAY_MS) : 0;
      return days.count(first, last) * times.size - ahead + within;
    },
  };
}
