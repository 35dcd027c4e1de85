import { jitterOf } from './jitter.ts';
import { nextNominal } from './occurrences.ts';
import type { Present, RunCursor, Schedule } from './schedule.ts';

/** Where a schedule stands when it begins, and how a cursor is made that stands at a nominal time. */

/** The cursor of a webhook that only events ring, which has no run to come. */
export function noRuns(now: number): RunCursor {
  return { anchorAt: now, nominalAt: null, dueAt: null, fired: 0, skipped: 0, movedAt: now };
}

/** The cursor of a schedule that begins now. With a start that has passed, runs before now do not count. */
export function firstCursor(webhookId: string, schedule: Schedule | undefined, present: Present): RunCursor {
  const { now } = present;
  if (schedule === undefined) return noRuns(now);
  const anchorAt = schedule.startAt ?? now;
  // A start may be the time of a run itself, so one in this very millisecond is not missed.
  const after = schedule.startAt === undefined ? now : now - 1;
  // `at` fires even if its time has passed since it was validated.
  const nominalAt = nextNominal(
    schedule,
    anchorAt,
    schedule.when.kind === 'at' ? Number.NEGATIVE_INFINITY : after,
  );
  return cursorAt(webhookId, schedule, { anchorAt, nominalAt, fired: 0, skipped: 0 }, present);
}

/**
 * When a run is due: its nominal time plus a part of the schedule's jitter, chosen by a hash of
 * (webhook, nominal time). It is always before the next nominal time and the schedule's end, so that
 * runs keep their order. Where the next comes sooner than the jitter is long, the part is taken of the
 * time until then, which spreads webhooks over all of it.
 */
export function dueAt(webhookId: string, schedule: Schedule, anchorAt: number, nominalAt: number): number {
  if (schedule.jitterMs <= 0) return nominalAt;
  const next = nextNominal(schedule, anchorAt, nominalAt) ?? schedule.endAt ?? Number.POSITIVE_INFINITY;
  return nominalAt + jitterOf(webhookId, nominalAt, Math.min(schedule.jitterMs, next - nominalAt));
}

/** The cursor that stands at this nominal time, as it is computed now. */
export function cursorAt(
  webhookId: string,
  schedule: Schedule,
  { anchorAt, nominalAt, fired, skipped }: Pick<RunCursor, 'anchorAt' | 'nominalAt' | 'fired' | 'skipped'>,
  { now, zoneRules }: Present,
): RunCursor {
  const due = nominalAt === null ? null : dueAt(webhookId, schedule, anchorAt, nominalAt);
  const computed = { movedAt: now, ...(readsLocalTime(schedule) && { zoneRules }) };
  return { anchorAt, nominalAt, dueAt: due, fired, skipped, ...computed };
}

/** Whether its times are read on a clock that shows local time: in UTC nobody changes the clocks. */
export function readsLocalTime({ when, exceptions }: Schedule): boolean {
  const zone = 'timeZone' in when ? when.timeZone : exceptions?.timeZone;
  return zone !== undefined && zone !== 'UTC';
}

/** How many more runs may fire. A bound of 0 is no bound, as in the API. */
export function runsLeftOf(
  { maxRuns }: Pick<Schedule, 'maxRuns'>,
  { fired }: Pick<RunCursor, 'fired'>,
): number {
  return maxRuns ? Math.max(0, maxRuns - fired) : Number.POSITIVE_INFINITY;
}
