const DAY_MS = 86_400_000;
const LENGTHS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

/** A month of the Gregorian calendar, with the days in it counted since the epoch. */
export interface Month {
  /** 1 to 12. */
  readonly month: number;
  readonly year: number;
  readonly firstDay: number;
  readonly length: number;
  /** 0 for Sunday. */
  readonly firstWeekday: number;
}

/** The month that was asked for last. Most questions are about the same again. */
let recent = makeMonth(1970, 1, 0);

/** The month that a day since the epoch lies in. */
export function monthOf(day: number): Month {
  const since = day - recent.firstDay;
  if (since >= 0 && since < recent.length) return recent;
  const date = new Date(day * DAY_MS);
  recent = makeMonth(date.getUTCFullYear(), date.getUTCMonth() + 1, day - date.getUTCDate() + 1);
  return recent;
}

export function monthAfter(month: Month): Month {
  const firstDay = month.firstDay + month.length;
  return month.month === 12
    ? makeMonth(month.year + 1, 1, firstDay)
    : makeMonth(month.year, month.month + 1, firstDay);
}

/**
 * The day of the month, from Monday to Friday, that is nearest to a given one without leaving the
 * month: the Friday before a Saturday and the Monday after a Sunday, but the Monday after a Saturday
 * the 1st, and the Friday before a Sunday at the end. This is Quartz's rule for `W`; see the class
 * comment of org.quartz.CronExpression.
 */
export function nearestWeekday(day: number, month: Pick<Month, 'firstWeekday' | 'length'>): number {
  switch ((month.firstWeekday + day - 1) % 7) {
    case 0:
      return day === month.length ? day - 2 : day + 1;
    case 6:
      return day === 1 ? 3 : day - 1;
    default:
      return day;
  }
}

function makeMonth(year: number, month: number, firstDay: number): Month {
  const length = LENGTHS[month - 1]! + (month === 2 && isLeap(year) ? 1 : 0);
  // The epoch was a Thursday.
  return { year, month, firstDay, length, firstWeekday: (((firstDay + 4) % 7) + 7) % 7 };
}

function isLeap(year: number): boolean {
  return (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
}
