import type { Calendar } from './calendar.ts';
import { OFFSET_MAX_MS, type Stretch, stretchAt } from './zone.ts';

/**
 * A calendar read in a time zone, and what is done about clocks that are put forward and back. The
 * runs of such a rule are distinct and ascending instants. A stretch of constant offset has
 *
 * - those whose wall time the calendar matches there, without the repeated ones if only the first
 *   reading of a wall time counts;
 * - after a gap, those that were shifted out of it: as many milliseconds after the change as their
 *   wall time is into the gap. One that falls on a matching wall time is the same run.
 */
export interface CronRule {
  readonly calendar: Calendar;
  readonly zone: string;
  /** Wall times in a gap are read with the offset before it: RFC 5545, section 3.3.5. */
  readonly shiftsGap: boolean;
  /** Wall times that the clock shows twice count the first time only. */
  readonly firstOnly: boolean;
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
export function firstRun(rule: CronRule, from: number, to: number): number | null {
  let at = from;
  for (let i = 0; i < STRETCHES_MAX && at < to; i++) {
    const stretch = stretchAt(rule.zone, at);
    const found = firstIn(rule, stretch, at);
    if (found !== null) return found < to ? found : null;
    // No wall time is more than the largest offset away from its instant: skip what cannot match.
    const wall = rule.calendar.next(stretch.end - OFFSET_MAX_MS);
    if (wall === null) return null;
    at = Math.max(stretch.end, wall - OFFSET_MAX_MS);
  }
  return null;
}

/** The last run in [from, to). */
export function lastRun(rule: CronRule, from: number, to: number): number | null {
  let before = to;
  for (let i = 0; i < STRETCHES_MAX && before > from; i++) {
    const stretch = stretchAt(rule.zone, before - 1);
    const found = lastIn(rule, stretch, before);
    if (found !== null) return found >= from ? found : null;
    const wall = rule.calendar.previous(stretch.start + OFFSET_MAX_MS);
    if (wall === null) return null;
    before = Math.min(stretch.start, wall + OFFSET_MAX_MS + 1);
  }
  return null;
}

/**
 * How many runs there are in [from, to). Exact up to ten years; what lies further back is counted as
 * if the offset had not changed there.
 */
export function countRuns(rule: CronRule, from: number, to: number): number {
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

/** Where a stretch begins to count: after the wall times that it repeats, if only the first reading does. */
function readFrom(rule: CronRule, stretch: Stretch): number {
  const repeatedMs = rule.firstOnly ? stretch.beforeMs - stretch.offsetMs : 0;
  return repeatedMs > 0 ? Math.max(stretch.start, stretch.changedAt + repeatedMs) : stretch.start;
}

/** The end of the runs that were shifted out of the gap before a stretch, or its `changedAt` if none were. */
function shiftedUntil(rule: CronRule, stretch: Stretch): number {
  const gapMs = rule.shiftsGap ? stretch.offsetMs - stretch.beforeMs : 0;
  return stretch.changedAt + Math.max(0, gapMs);
}

function firstIn(rule: CronRule, stretch: Stretch, from: number): number | null {
  const { start, end, offsetMs, beforeMs } = stretch;
  const wall = rule.calendar.next(Math.max(from, readFrom(rule, stretch)) + offsetMs);
  let first = wall === null ? end : wall - offsetMs;
  const shiftedEnd = shiftedUntil(rule, stretch);
  if (from < shiftedEnd) {
    const lost = rule.calendar.next(Math.max(from, start) + beforeMs);
    if (lost !== null && lost - beforeMs < shiftedEnd) first = Math.min(first, lost - beforeMs);
  }
  return first < end ? first : null;
}

function lastIn(rule: CronRule, stretch: Stretch, before: number): number | null {
  const { start, end, offsetMs, beforeMs } = stretch;
  const until = Math.min(before, end);
  const wall = rule.calendar.previous(until + offsetMs);
  let last = wall !== null && wall - offsetMs >= readFrom(rule, stretch) ? wall - offsetMs : start - 1;
  const shiftedEnd = shiftedUntil(rule, stretch);
  if (start < shiftedEnd) {
    const lost = rule.calendar.previous(Math.min(until, shiftedEnd) + beforeMs);
    if (lost !== null) last = Math.max(last, lost - beforeMs);
  }
  return last >= start ? last : null;
}

/** The runs in [from, to), which lies within the stretch. */
function countIn(rule: CronRule, stretch: Stretch, from: number, to: number): number {
  const { offsetMs } = stretch;
  let count = 0;
  let at = Math.max(from, readFrom(rule, stretch));
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
