import { nominalTimes } from './occurrences.ts';
import { periodOf } from './runs/parts.ts';
import type { RunCursor, Schedule } from './schedule.ts';

/**
 * The first `count` nominal times in [from, to) that a schedule has had, or would have had if it had been
 * there: a period without a start is carried on into the past, so that its runs lie where they do now. The run
 * that the cursor stands at, and those after it, are the schedule's own, and not past.
 */
export function pastNominals(
  schedule: Schedule,
  { anchorAt, nominalAt }: Pick<RunCursor, 'anchorAt' | 'nominalAt'>,
  { from, to, count }: { readonly from: number; readonly to: number; readonly count: number },
): number[] {
  const end = Math.min(to, nominalAt ?? Number.POSITIVE_INFINITY);
  const times = nominalTimes(schedule, earlierAnchor(schedule, anchorAt, from), from - 1, count);
  return times.filter((time) => time < end);
}

/** So many whole periods before the anchor that its first run is not after `from`. */
function earlierAnchor({ when, startAt }: Schedule, anchorAt: number, from: number): number {
  const periodMs = periodOf(when);
  if (periodMs === undefined || startAt !== undefined) return anchorAt;
  return anchorAt - Math.max(0, Math.ceil((anchorAt + periodMs - from) / periodMs)) * periodMs;
}
