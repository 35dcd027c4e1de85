import { presentOf } from '../domain/clock.ts';
import { noProblems } from '../domain/problems.ts';
import { firstCursor } from '../domain/schedule/cursor.ts';
import { countNominals, nominalTimes } from '../domain/schedule/occurrences.ts';
import { scheduleViolations } from '../domain/schedule/rules.ts';
import { type ClockChange, clockChanges } from '../domain/schedule/runs/clock-changes.ts';
import type { RunCursor, Schedule } from '../domain/schedule/schedule.ts';
import { scheduleWords, zoneOf } from '../domain/schedule/words/words.ts';
import type { AskedSchedule } from '../domain/webhook/asked.ts';
import { scheduleOf } from '../domain/webhook/defaults.ts';
import { getWebhook } from './change.ts';
import type { Needs } from './deps.ts';

export type PreviewDeps = Needs<'resolveWebhooks', 'clock' | 'settings'>;

/** Runs that are shown to a caller who does not say how many. */
const COUNT_DEFAULT = 5;
/** Changes of the clocks that are shown. */
const CHANGES_MAX = 2;

export interface Preview {
  /** A webhook, from where it is, or a schedule as if it began now. */
  readonly of: { readonly namespace: string; readonly id: string } | { readonly schedule: AskedSchedule };
  /** Runs after this time; after now when undefined. */
  readonly after?: number;
  readonly count?: number;
}

export interface Previewed {
  /** Nominal times. */
  readonly times: readonly number[];
  /** The schedule's zone; undefined for one that has no use for any. */
  readonly zone?: string;
  /** When it rings; empty for a webhook that only events ring. */
  readonly words: string;
  readonly changes: readonly ClockChange[];
}

/**
 * The next runs of a schedule, what it means, and what the next changes of the clocks do to it. `problems` has
 * what was found wrong with how it was asked. Raises INVALID with everything that is wrong, and NOT_FOUND.
 */
export function createPreview(deps: PreviewDeps) {
  const { clock, settings } = deps;

  return async (
    { of, after, count = COUNT_DEFAULT }: Preview,
    problems = noProblems(),
  ): Promise<Previewed> => {
    const now = clock.now();
    if ('schedule' in of) {
      const schedule = scheduleOf(of.schedule);
      const rules = { now, everyMinMs: settings.everyMinMs, field: 'schedule' };
      problems.addAll(scheduleViolations(schedule, rules));
      problems.raise();
      return lookAhead(schedule, firstCursor('', schedule, presentOf(clock)), after ?? now, count);
    }
    problems.raise();
    const { effective, cursor } = await getWebhook(deps, of);
    if (effective.schedule === undefined) return { times: [], words: '', changes: [] };
    return lookAhead(effective.schedule, cursor, after ?? now, count);
  };
}

function lookAhead(schedule: Schedule, cursor: RunCursor, after: number, count: number): Previewed {
  const { anchorAt } = cursor;
  const zone = zoneOf(schedule);
  return {
    ...ahead(schedule, cursor, after, count),
    ...(zone !== undefined && { zone }),
    words: scheduleWords(schedule, anchorAt),
  };
}

function ahead(
  schedule: Schedule,
  { anchorAt, nominalAt, fired }: RunCursor,
  after: number,
  count: number,
): Pick<Previewed, 'times' | 'changes'> {
  if (nominalAt === null) return { times: [], changes: [] };
  // The run that the cursor stands at is still to come, however late it is.
  const from = Math.max(after, nominalAt - 1);
  const runsLeft = schedule.maxRuns
    ? schedule.maxRuns - fired - countNominals(schedule, anchorAt, nominalAt - 1, from)
    : Number.POSITIVE_INFINITY;
  const to = schedule.endAt ?? Number.POSITIVE_INFINITY;
  return {
    times: nominalTimes(schedule, anchorAt, from, Math.max(0, Math.min(count, runsLeft))),
    changes: clockChanges(schedule, anchorAt, { from, to, count: CHANGES_MAX }).filter(
      ({ at }) => countNominals(schedule, anchorAt, from, at - 1) < runsLeft,
    ),
  };
}
