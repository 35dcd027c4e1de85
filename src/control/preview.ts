import { noProblems } from '../domain/problems.ts';
import { countNominals, nominalTimes } from '../domain/schedule/occurrences.ts';
import { scheduleViolations } from '../domain/schedule/rules.ts';
import { firstCursor } from '../domain/schedule/run-plan.ts';
import type { RunCursor, Schedule } from '../domain/schedule/schedule.ts';
import type { AskedSchedule } from '../domain/webhook/asked.ts';
import { scheduleOf } from '../domain/webhook/defaults.ts';
import { getWebhook } from './change.ts';
import type { Needs } from './deps.ts';

export type PreviewDeps = Needs<'resolveWebhooks', 'clock' | 'settings'>;

/** Runs that are shown to a caller who does not say how many. */
const COUNT_DEFAULT = 5;

export interface Preview {
  /** A webhook, from where it is, or a schedule as if it began now. */
  readonly of: { readonly namespace: string; readonly id: string } | { readonly schedule: AskedSchedule };
  /** Runs after this time; after now when undefined. */
  readonly after?: number;
  readonly count?: number;
}

/**
 * The nominal times of the next runs. `problems` has what was found wrong with how it was asked. Raises
 * INVALID with everything that is wrong, and NOT_FOUND.
 */
export function createPreview(deps: PreviewDeps) {
  const { clock, settings } = deps;

  return async (
    { of, after, count = COUNT_DEFAULT }: Preview,
    problems = noProblems(),
  ): Promise<number[]> => {
    const now = clock.now();
    if ('schedule' in of) {
      const schedule = scheduleOf(of.schedule);
      const rules = { now, everyMinMs: settings.everyMinMs, field: 'schedule' };
      problems.addAll(scheduleViolations(schedule, rules));
      problems.raise();
      return nextRuns(schedule, firstCursor('', schedule, now), after ?? now, count);
    }
    problems.raise();
    const { effective, cursor } = await getWebhook(deps, of);
    return effective.schedule ? nextRuns(effective.schedule, cursor, after ?? now, count) : [];
  };
}

function nextRuns(schedule: Schedule, cursor: RunCursor, after: number, count: number): number[] {
  const { anchorAt, nominalAt, fired } = cursor;
  if (nominalAt === null) return [];
  // The run that the cursor stands at is still to come, however late it is.
  const from = Math.max(after, nominalAt - 1);
  const runsLeft = schedule.maxRuns
    ? schedule.maxRuns - fired - countNominals(schedule, anchorAt, nominalAt - 1, from)
    : count;
  return nominalTimes(schedule, anchorAt, from, Math.max(0, Math.min(count, runsLeft)));
}
