/**
 * A set of days, each counted since the epoch, on a calendar that knows nothing of zones. It costs about
 * the same to find the next day, the previous one, or how many lie between, however rare they are.
 */
export interface Days {
  has(day: number): boolean;
  /** The first at this day or later; null when none comes within `SEARCH_MONTHS_MAX`. */
  next(day: number): number | null;
  /** The last before this day; null when there is none within `SEARCH_MONTHS_MAX`. */
  previous(day: number): number | null;
  /** How many there are in [from, to). */
  count(from: number, to: number): number;
}

/**
 * How far ahead a day is searched for. Which days of a month match depends on its first weekday and
 * its length alone, and the rarest of these shapes, a February of 29 days that begins on a given
 * weekday, comes back within 40 years. So what does not match within 48 years never does.
 */
export const SEARCH_MONTHS_MAX = 48 * 12;

export const DAY_MS = 86_400_000;
