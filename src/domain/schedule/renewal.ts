import { cursorAt, readsLocalTime, runsLeftOf } from './cursor.ts';
import { nextNominal } from './occurrences.ts';
import type { Present, RunCursor, Schedule } from './schedule.ts';

/**
 * A cursor is computed ahead and waits, for years at times. Meanwhile two things can make it untrue: the clock by
 * which it was computed turns out to have been ahead, or the time zone rules change.
 */

/** A clock that is behind what it showed before by no more than this was set, as clocks are, and nothing was wrong. */
export const CLOCK_BEHIND_MS = 60_000;

/**
 * Whether a cursor was computed when the clock showed a time that is still to come. Then the runs between now and
 * there were passed over, although nobody missed them.
 */
export function isFromAhead({ movedAt }: RunCursor, now: number): boolean {
  return movedAt !== undefined && movedAt - now > CLOCK_BEHIND_MS;
}

/** Whether a cursor was computed with other time zone rules than those of the present, or with unknown ones. */
export function isOfOtherRules({ zoneRules }: RunCursor, present: Pick<Present, 'zoneRules'>): boolean {
  return zoneRules !== undefined && zoneRules !== present.zoneRules;
}

/**
 * A cursor computed anew, where it is no longer true; undefined where it is. What has fired stays counted, and no
 * time that has fired fires again, because the run of a nominal time is known by its identity.
 *
 * - From ahead: the next run is the first after now. What is due already stays due.
 * - Of other rules: the next run is the first after the cursor was moved last, by today's rules. Where those put it
 *   into the past, it was missed.
 *
 * A point in time is no matter of clocks or rules: it is still to come, or has fired.
 */
export function renewed(
  webhookId: string,
  schedule: Schedule,
  cursor: RunCursor,
  present: Present,
): RunCursor | undefined {
  if (isFromAhead(cursor, present.now)) {
    return cursorAt(webhookId, schedule, fromNow(schedule, cursor, present.now), present);
  }
  if (!isOfOtherRules(cursor, present)) return undefined;
  const nominalAt = byRulesOfNow(schedule, cursor, present.now);
  return cursorAt(webhookId, schedule, { ...cursor, nominalAt }, present);
}

function fromNow(schedule: Schedule, cursor: RunCursor, now: number): RunCursor {
  const { nominalAt } = cursor;
  if (schedule.when.kind === 'at' || (nominalAt !== null && nominalAt <= now)) return cursor;
  // An anchor that is still to come is the time of a registration by the clock that was ahead.
  const anchorAt = schedule.startAt ?? Math.min(cursor.anchorAt, now);
  const isOver = runsLeftOf(schedule, cursor) === 0;
  return { ...cursor, anchorAt, nominalAt: isOver ? null : nextNominal(schedule, anchorAt, now) };
}

function byRulesOfNow(schedule: Schedule, { anchorAt, nominalAt, movedAt }: RunCursor, now: number) {
  if (nominalAt === null || schedule.when.kind === 'at' || !readsLocalTime(schedule)) return nominalAt;
  // What lies before the run that it stands at, and before it was moved, has fired or was passed over.
  return nextNominal(schedule, anchorAt, Math.min(movedAt ?? now, nominalAt - 1));
}
