import type { Calendar } from '../calendar/calendar.ts';
import { OFFSET_MAX_MS, type Stretch, stretchAt } from '../zone.ts';

/**
 * A calendar read in a time zone, and what is done about clocks that are put forward and back. The
 * runs of such a rule are distinct and ascending instants. A stretch of constant offset has
 *
 * - those whose wall time `calendar` matches there; while the clock shows wall times for the second
 *   time, those that `again` matches instead;
 * - after a gap, those that `lost` matches in it, later by the length of the gap: RFC 5545, section
 *   3.3.5. One that falls on another run is the same run, and one that falls on a wall time that
 *   `isLeftOut` is none.
 */
export interface ZonedRule {
  readonly zone: string;
  readonly calendar: Calendar;
  /** Null when wall times that the clock shows twice count the first time only. */
  readonly again: Calendar | null;
  /** Null when wall times in a gap are left out. */
  readonly lost: Calendar | null;
  readonly isLeftOut?: (wall: number) => boolean;
}

/**
 * How many stretches are searched for a run. A search takes that many only where a policy leaves out
 * every run that the calendar offers, such as 02:30 on those nights alone that have no 02:30. Then
 * there is no run.
 */
const STRETCHES_MAX = 100;
/** How far back a count looks for every change of offset. Ten years take some 4 ms. */
const EXACT_COUNT_MS = 10 * 366 * 86_400_000;

/** The first run in [from, to). */
export function firstRun(rule: ZonedRule, from: number, to: number): number | null {
  let at = from;
  for (let i = 0; i < STRETCHES_MAX && at < to; i++) {
    const stretch = stretchAt(rule.zone, at);
    const found = firstIn(rule, stretch, at);
    if (found !== null) return found < to ? found : null;
    // No wall time is more than the largest offset away from its instant: skip what cannot match.
    const wall = nextWall(rule, stretch.end - OFFSET_MAX_MS);
    if (wall === null) return null;
    at = Math.max(stretch.end, wall - OFFSET_MAX_MS);
  }
  return null;
}

/** The last run in [from, to). */
export function lastRun(rule: ZonedRule, from: number, to: number): number | null {
  let before = to;
  for (let i = 0; i < STRETCHES_MAX && before > from; i++) {
    const stretch = stretchAt(rule.zone, before - 1);
    const found = lastIn(rule, stretch, before);
    if (found !== null) return found >= from ? found : null;
    const wall = previousWall(rule, stretch.start + OFFSET_MAX_MS);
    if (wall === null) return null;
    before = Math.min(stretch.start, wall + OFFSET_MAX_MS + 1);
  }
  return null;
}

/**
 * How many runs there are in [from, to). Exact up to ten years; what lies further back is counted as
 * if the offset had not changed there.
 */
export function countRuns(rule: ZonedRule, from: number, to: number): number {
  let count = 0;
  let at = from;
  if (to - from > EXACT_COUNT_MS) {
    at = to - EXACT_COUNT_MS;
    const { offsetMs } = stretchAt(rule.zone, at);
    count = rule.calendar.count(from + offsetMs, at + offsetMs);
  }
  while (at < to) {
    const stretch = stretchAt(rule.zone, at);
    count += countIn(rule, stretch, at, Math.min(to, stretch.end));
    at = stretch.end;
  }
  return count;
}

/** The first wall time at this one or later that may make a run. What `again` matches, `calendar` matches too. */
function nextWall({ calendar, lost }: ZonedRule, wall: number): number | null {
  const next = calendar.next(wall);
  const other = lost === null || lost === calendar ? null : lost.next(wall);
  return next === null || other === null ? (next ?? other) : Math.min(next, other);
}

function previousWall({ calendar, lost }: ZonedRule, wall: number): number | null {
  const previous = calendar.previous(wall);
  const other = lost === null || lost === calendar ? null : lost.previous(wall);
  return previous === null || other === null ? (previous ?? other) : Math.max(previous, other);
}

/** Where the wall times end that the stretch repeats and that do not all count again; its `changedAt` if it has none. */
function repeatedUntil(rule: ZonedRule, stretch: Stretch): number {
  const repeatedMs = rule.again === rule.calendar ? 0 : stretch.beforeMs - stretch.offsetMs;
  return stretch.changedAt + Math.max(0, repeatedMs);
}

/** The end of the runs that were shifted out of the gap before a stretch, or its `changedAt` if none were. */
function shiftedUntil(rule: ZonedRule, stretch: Stretch): number {
  const gapMs = rule.lost === null ? 0 : stretch.offsetMs - stretch.beforeMs;
  return stretch.changedAt + Math.max(0, gapMs);
}

function firstIn(rule: ZonedRule, stretch: Stretch, from: number): number | null {
  const { end, offsetMs } = stretch;
  const repeatedEnd = repeatedUntil(rule, stretch);
  if (from < repeatedEnd && rule.again !== null) {
    const wall = rule.again.next(from + offsetMs);
    if (wall !== null && wall - offsetMs < Math.min(repeatedEnd, end)) return wall - offsetMs;
  }
  const wall = rule.calendar.next(Math.max(from, repeatedEnd) + offsetMs);
  const first = wall === null ? end : Math.min(wall - offsetMs, end);
  const found = from < shiftedUntil(rule, stretch) ? firstShifted(rule, stretch, from, first) : first;
  return found < end ? found : null;
}

/** The first run from `from` on that was shifted out of the gap, if it comes before `first`, and otherwise that. */
function firstShifted(rule: ZonedRule, stretch: Stretch, from: number, first: number): number {
  const { offsetMs, beforeMs } = stretch;
  const end = Math.min(first, shiftedUntil(rule, stretch));
  for (let at = from; at < end; at++) {
    const lost = rule.lost!.next(at + beforeMs);
    if (lost === null) return first;
    at = lost - beforeMs;
    if (at < end && !rule.isLeftOut?.(at + offsetMs)) return at;
  }
  return first;
}

function lastIn(rule: ZonedRule, stretch: Stretch, before: number): number | null {
  const { start, end, offsetMs } = stretch;
  const until = Math.min(before, end);
  const repeatedEnd = repeatedUntil(rule, stretch);
  const wall = rule.calendar.previous(until + offsetMs);
  let last = start - 1;
  if (wall !== null && wall - offsetMs >= Math.max(start, repeatedEnd)) last = wall - offsetMs;
  else if (start < repeatedEnd && rule.again !== null) {
    const again = rule.again.previous(Math.min(until, repeatedEnd) + offsetMs);
    if (again !== null) last = Math.max(last, again - offsetMs);
  }
  if (start < shiftedUntil(rule, stretch)) last = lastShifted(rule, stretch, until, last);
  return last >= start ? last : null;
}

/** The last run before `until` that was shifted out of the gap, if it comes after `last`, and otherwise that. */
function lastShifted(rule: ZonedRule, stretch: Stretch, until: number, last: number): number {
  const { offsetMs, beforeMs } = stretch;
  let before = Math.min(until, shiftedUntil(rule, stretch));
  while (before - 1 > last) {
    const lost = rule.lost!.previous(before + beforeMs);
    if (lost === null) return last;
    before = lost - beforeMs;
    if (before > last && !rule.isLeftOut?.(before + offsetMs)) return before;
  }
  return last;
}

/** The runs in [from, to), which lies within the stretch. */
function countIn(rule: ZonedRule, stretch: Stretch, from: number, to: number): number {
  const { offsetMs } = stretch;
  let count = 0;
  let at = from;
  const repeatedEnd = Math.min(to, repeatedUntil(rule, stretch));
  if (at < repeatedEnd) {
    count += rule.again?.count(at + offsetMs, repeatedEnd + offsetMs) ?? 0;
    at = repeatedEnd;
  }
  // A shifted run can fall on another run, so these few are counted one by one.
  const shiftedEnd = Math.min(to, shiftedUntil(rule, stretch));
  while (at < shiftedEnd) {
    const run = firstIn(rule, stretch, at);
    const within = run !== null && run < shiftedEnd;
    if (within) count++;
    at = within ? run + 1 : shiftedEnd;
  }
  return count + rule.calendar.count(at + offsetMs, to + offsetMs);
}
