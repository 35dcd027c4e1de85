import { isDeepStrictEqual } from 'node:util';
import { cursorAt, firstCursor, runsLeftOf } from './cursor.ts';
import { nextNominal } from './occurrences.ts';
import { renewed } from './renewal.ts';
import type { Present, RunCursor, Schedule } from './schedule.ts';
import { canonicalTimeZone } from './zone.ts';

/**
 * The cursor of a webhook whose schedule is replaced, given, or taken away. It begins anew, with nothing fired
 * and nothing skipped, only where the schedule rings at other times: its period, its cron expressions, its
 * interval or its point in time are others, the zone or what is done about changes of the clocks, or the start.
 * Any other change leaves the anchor and the counts as they are. So does one of the exceptions, which only leave
 * runs out.
 */
export function replaceSchedule(
  webhookId: string,
  old: Schedule | undefined,
  oldCursor: RunCursor,
  next: Schedule | undefined,
  present: Present,
): RunCursor {
  if (sameSchedule(old, next)) return oldCursor;
  if (old === undefined || next === undefined || !ringsAlike(old, next)) {
    return firstCursor(webhookId, next, present);
  }
  const from = renewed(webhookId, old, oldCursor, present) ?? oldCursor;
  return cursorAt(webhookId, next, { ...from, nominalAt: nextRun(old, from, next, present.now) }, present);
}

/** Whether two schedules ring at the same times, bounds at the end and exceptions aside. */
export function ringsAlike(a: Schedule, b: Schedule): boolean {
  return isDeepStrictEqual(beginning(a), beginning(b));
}

/**
 * Whether two schedules are the same in every field, or both are absent. Two zones are the same if one
 * name is a link to the other.
 */
export function sameSchedule(a: Schedule | undefined, b: Schedule | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return isDeepStrictEqual(comparable(a), comparable(b));
}

/** The nominal time to wait for, when the same times ring within other bounds or but for other exceptions. */
function nextRun(
  old: Schedule,
  { nominalAt, ...cursor }: RunCursor,
  next: Schedule,
  now: number,
): number | null {
  if (runsLeftOf(next, cursor) === 0) return null;
  // What is over goes on only where a bound that ended it was moved. A single run has no other after it.
  if (nominalAt === null) return next.when.kind === 'at' ? null : nextNominal(next, cursor.anchorAt, now);
  if (!isDeepStrictEqual(comparable(old).exceptions, comparable(next).exceptions)) {
    // One that was to come may be left out now, and one before it may not be any more.
    return nextNominal(next, cursor.anchorAt, Math.min(now, nominalAt - 1));
  }
  // Not computed anew: it stays the same run even if the time zone rules are others by now.
  return nominalAt < (next.endAt ?? Number.POSITIVE_INFINITY) ? nominalAt : null;
}

/** What of a schedule says at which times it rings, bounds and exceptions aside. */
function beginning(schedule: Schedule) {
  const { when, startAt } = comparable(schedule);
  return { when, startAt };
}

/** A platform may spell a zone in another way later (Asia/Calcutta, Asia/Kolkata), and absent fields may be undefined. */
function comparable(schedule: Schedule) {
  const { when, startAt, endAt, maxRuns, exceptions, ...policies } = schedule;
  return {
    ...policies,
    startAt,
    endAt,
    maxRuns: maxRuns || undefined,
    when: 'timeZone' in when ? sameZone(when) : when,
    exceptions: exceptions && sameZone(exceptions),
  };
}

/** The same in the spelling of the platform. */
function sameZone<T extends { readonly timeZone: string }>(zoned: T): T {
  return { ...zoned, timeZone: canonicalTimeZone(zoned.timeZone) ?? zoned.timeZone };
}
