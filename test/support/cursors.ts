/** What computes cursors, at a time, by the one set of time zone rules that most tests need. */
import * as cursor from '../../src/domain/schedule/cursor.ts';
import * as replacement from '../../src/domain/schedule/replacement.ts';
import * as plan from '../../src/domain/schedule/run-plan.ts';
import type { Present, RunCursor, Schedule } from '../../src/domain/schedule/schedule.ts';
import { utc } from './schedule.ts';

/** The webhook whose cursors they are. */
export const ID = 'wh_01JGFJJZ000000000000000000';
/** Where they begin: a year that begins with a Monday. */
export const T0 = utc('2024-01-01T00:00Z');

export function presentAt(now: number, zoneRules = 'test'): Present {
  return { now, zoneRules };
}

type Scheduled = Schedule | undefined;

export function firstCursor(id: string, schedule: Scheduled, now: number): RunCursor {
  return cursor.firstCursor(id, schedule, presentAt(now));
}

export function planRuns(id: string, schedule: Schedule, at: RunCursor, now: number): plan.RunPlan | null {
  return plan.planRuns(id, schedule, at, presentAt(now));
}

export function resumeCursor(id: string, schedule: Scheduled, at: RunCursor, now: number): RunCursor {
  return plan.resumeCursor(id, schedule, at, presentAt(now));
}

export function replaceSchedule(
  id: string,
  old: Scheduled,
  at: RunCursor,
  next: Scheduled,
  now: number,
): RunCursor {
  return replacement.replaceSchedule(id, old, at, next, presentAt(now));
}
