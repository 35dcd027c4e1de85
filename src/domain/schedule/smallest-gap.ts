import { DAY_MS } from './calendar/days.ts';
import type { TimesOfDay } from './calendar/times-of-day.ts';
import { type Part, rungBy } from './runs/parts.ts';
import type { Schedule } from './schedule.ts';

/** Days that are looked at: 28 years, in which every weekday meets every date, the 29th of February included. */
const DAYS_MAX = 28 * 365 + 7;

/**
 * The least time between two runs of a schedule that is read on a clock, as that shows it: neither changes of the
 * clocks nor exceptions are considered. Infinity for one that has no two runs within 28 years, and for a period.
 */
export function smallestGapMs(schedule: Schedule, now: number): number {
  const by = rungBy(schedule, now);
  return by?.kind === 'clock' ? smallestGap(by.parts, Math.floor(now / DAY_MS)) : Number.POSITIVE_INFINITY;
}

interface Times {
  readonly first: number;
  readonly last: number;
  readonly gap: number;
}

/** Days on which the same parts ring have the same times, so each set of parts is looked at once. */
function smallestGap(parts: readonly Part[], fromDay: number): number {
  const known = new Map<number, Times>();
  function timesOf(set: number): Times {
    const found =
      known.get(set) ?? merged(parts.filter((_, i) => (set >> i) & 1).map(({ calendar }) => calendar.times));
    known.set(set, found);
    return found;
  }
  const every = timesOf((1 << parts.length) - 1);
  // No gap is smaller than that of days on which all parts ring.
  const least = Math.min(every.gap, DAY_MS + every.first - every.last);
  const next = parts.map(({ calendar }) => calendar.days.next(fromDay) ?? Number.POSITIVE_INFINITY);
  let gap = Number.POSITIVE_INFINITY;
  let lastAt = Number.NEGATIVE_INFINITY;
  for (let day = Math.min(...next); day < fromDay + DAYS_MAX && gap > least; day = Math.min(...next)) {
    let set = 0;
    for (const [i, { calendar }] of parts.entries()) {
      if (next[i] !== day) continue;
      set |= 1 << i;
      next[i] = calendar.days.next(day + 1) ?? Number.POSITIVE_INFINITY;
    }
    const times = timesOf(set);
    gap = Math.min(gap, times.gap, day * DAY_MS + times.first - lastAt);
    lastAt = day * DAY_MS + times.last;
  }
  return gap;
}

function merged(all: readonly TimesOfDay[]): Times {
  const times = new Set(all.flatMap((each) => Array.from({ length: each.size }, (_, i) => each.select(i))));
  const sorted = [...times].sort((a, b) => a - b);
  let gap = Number.POSITIVE_INFINITY;
  for (let i = 1; i < sorted.length; i++) gap = Math.min(gap, sorted[i]! - sorted[i - 1]!);
  return { first: sorted[0]!, last: sorted.at(-1)!, gap };
}
