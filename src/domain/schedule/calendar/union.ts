import type { LeftOut } from '../runs/left-out.ts';
import { bitCount } from './bits.ts';
import type { Calendar, PlainCalendar } from './calendar.ts';
import { DAY_MS, SEARCH_MONTHS_MAX } from './days.ts';
import {
  addMinutes,
  countMinutes,
  MINUTE_MS,
  MINUTES_A_DAY,
  type MinuteSet,
  minuteBefore,
  minuteFrom,
  noMinutes,
  removeMinutes,
} from './minute-set.ts';

/** Longer than the months that are searched for a day. */
const SEARCH_DAYS_MAX = SEARCH_MONTHS_MAX * 31;

/** The wall times of any of the calendars, each once, without the minutes that are left out. */
export function unionCalendar(parts: readonly PlainCalendar[], leftOut?: LeftOut): Calendar {
  const [only] = parts;
  if (only !== undefined && parts.length === 1 && leftOut === undefined) return only;

  const nextIn = (wall: number) => least(parts, (part) => part.next(wall));
  const previousIn = (wall: number) => greatest(parts, (part) => part.previous(wall));

  // One day's minutes at a time, since most questions are about the day of the question before.
  const minutes = noMinutes();
  let minutesDay = Number.NaN;

  /** The minutes of a day in which any of the parts matches, and which are not left out, until the next call. */
  function minutesOf(day: number): MinuteSet {
    if (day === minutesDay) return minutes;
    minutesDay = day;
    minutes.fill(0);
    for (const { days, times } of parts) if (days.has(day)) addMinutes(minutes, times.minutes());
    const gone = leftOut?.on(day) ?? null;
    if (gone !== null) removeMinutes(minutes, gone);
    return minutes;
  }

  // A search that finds nothing takes long, and the next ones would find no more.
  let noneFrom = Number.POSITIVE_INFINITY;
  let noneBefore = Number.NEGATIVE_INFINITY;

  function nextLeft(wall: number): number | null {
    if (wall >= noneFrom) return null;
    const found = searchFrom(wall);
    if (found === null) noneFrom = wall;
    return found;
  }

  function previousLeft(wall: number): number | null {
    if (wall <= noneBefore) return null;
    const found = searchBefore(wall);
    if (found === null) noneBefore = wall;
    return found;
  }

  /** Looks for a day, and then for a minute of it, so that what is left out is passed over at once. */
  function searchFrom(wall: number): number | null {
    const begin = Math.floor(wall / DAY_MS);
    for (let from = begin; ; ) {
      const day = least(parts, ({ days }) => days.next(from));
      if (day === null || day > begin + SEARCH_DAYS_MAX) return null;
      const midnight = day * DAY_MS;
      const at = Math.max(wall, midnight);
      const minutes = minutesOf(day);
      let minute = minuteFrom(minutes, Math.floor((at - midnight) / MINUTE_MS));
      // The seconds that match in the first minute may have passed.
      for (; minute < MINUTES_A_DAY; minute = minuteFrom(minutes, minute + 1)) {
        const found = nextIn(Math.max(at, midnight + minute * MINUTE_MS));
        if (found !== null && found < midnight + (minute + 1) * MINUTE_MS) return found;
      }
      from = day + 1;
    }
  }

  function searchBefore(wall: number): number | null {
    const begin = Math.floor(wall / DAY_MS);
    for (let before = begin + 1; ; ) {
      const day = greatest(parts, ({ days }) => days.previous(before));
      if (day === null || day < begin - SEARCH_DAYS_MAX) return null;
      const midnight = day * DAY_MS;
      const at = Math.min(wall, midnight + DAY_MS);
      const minutes = minutesOf(day);
      let minute = minuteBefore(minutes, Math.ceil((at - midnight) / MINUTE_MS));
      for (; minute >= 0; minute = minuteBefore(minutes, minute)) {
        const found = previousIn(Math.min(at, midnight + (minute + 1) * MINUTE_MS));
        if (found !== null && found >= midnight + minute * MINUTE_MS) return found;
      }
      before = day;
    }
  }

  /** How many there are in a part of a day, which is given in milliseconds after midnight. */
  function countOn(day: number, fromMs: number, toMs: number): number {
    const minutes = minutesOf(day);
    const times = parts.filter(({ days }) => days.has(day)).map((part) => part.times);
    if (times.every(({ onTheMinute }) => onTheMinute)) {
      return countMinutes(minutes, Math.ceil(fromMs / MINUTE_MS), Math.ceil(toMs / MINUTE_MS));
    }
    const [from, to] = [Math.ceil(fromMs / 1000), Math.ceil(toMs / 1000)];
    let count = 0;
    let minute = minuteFrom(minutes, Math.floor(from / 60));
    for (; minute * 60 < to && minute < MINUTES_A_DAY; minute = minuteFrom(minutes, minute + 1)) {
      for (const half of [0, 1] as const) {
        const begin = minute * 60 + half * 30;
        let seconds = 0;
        for (const each of times) seconds |= each.secondsIn(minute, half);
        count += bitCount(seconds & window(from - begin, to - begin));
      }
    }
    return count;
  }

  return {
    next: leftOut === undefined ? nextIn : nextLeft,
    previous: leftOut === undefined ? previousIn : previousLeft,
    count(from, to) {
      if (to <= from) return 0;
      const last = Math.floor((to - 1) / DAY_MS);
      let count = 0;
      for (let at = Math.floor(from / DAY_MS); ; ) {
        const day = least(parts, ({ days }) => days.next(at));
        if (day === null || day > last) return count;
        const midnight = day * DAY_MS;
        count += countOn(day, Math.max(0, from - midnight), Math.min(DAY_MS, to - midnight));
        at = day + 1;
      }
    },
  };
}

/** The bits of [from, to) among the thirty of half a minute. */
function window(from: number, to: number): number {
  const ones = (count: number) => (1 << Math.max(0, Math.min(30, count))) - 1;
  return ones(to) & ~ones(from);
}

function least<T>(items: readonly T[], of: (item: T) => number | null): number | null {
  let least: number | null = null;
  for (const item of items) {
    const value = of(item);
    if (value !== null && (least === null || value < least)) least = value;
  }
  return least;
}

function greatest<T>(items: readonly T[], of: (item: T) => number | null): number | null {
  let greatest: number | null = null;
  for (const item of items) {
    const value = of(item);
    if (value !== null && (greatest === null || value > greatest)) greatest = value;
  }
  return greatest;
}
