import { create } from '@bufbuild/protobuf';
import {
  type PreviewScheduleRequest,
  PreviewScheduleRequestSchema,
  type PreviewScheduleResponse,
  PreviewScheduleResponseSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { countNominals, nominalTimes } from '../../domain/schedule/occurrences.ts';
import { validateSchedule } from '../../domain/schedule/rules.ts';
import { firstCursor } from '../../domain/schedule/run-plan.ts';
import type { RunCursor, Schedule } from '../../domain/schedule/schedule.ts';
import { DEFAULTS } from '../convert/defaults.ts';
import { scheduleFrom } from '../convert/schedule.ts';
import { fromTimestamp, toTimestamp } from '../convert/time.ts';
import type { ApiDeps } from '../deps.ts';
import { namespaceOf } from '../namespace.ts';
import { noProblems, type Problems } from '../problems.ts';
import type { Rules } from '../validate.ts';
import { getWebhook } from './change.ts';

export type PreviewDeps = Pick<ApiDeps, 'clock' | 'settings'> & {
  readonly store: Pick<ApiDeps['store'], 'getWebhooks'>;
  readonly rules: Rules;
};

/** PreviewSchedule: the next runs of a webhook from where it is, or of a schedule as if it began now. */
export function previewing({ store, clock, settings, rules }: PreviewDeps) {
  return async (request: PreviewScheduleRequest): Promise<PreviewScheduleResponse> => {
    const now = clock.now();
    const problems = noProblems();
    problems.addAll(await rules.violationsOf(PreviewScheduleRequestSchema, request));
    const namespace = namespaceOf(request.namespace, 'namespace', problems);
    const after = request.after ? fromTimestamp(request.after, 'after', problems) : now;
    const given = await planOf(request, namespace, now, problems);
    problems.raise();
    const count = request.count === 0 ? DEFAULTS.previewCount : request.count;
    const times = given ? nextRuns(given.schedule, given.cursor, after, count) : [];
    return create(PreviewScheduleResponseSchema, { runTimes: times.map(toTimestamp) });
  };

  /** Undefined when there is none, or it cannot be made out, with problems noted. */
  async function planOf(
    { source }: PreviewScheduleRequest,
    namespace: string,
    now: number,
    problems: Problems,
  ): Promise<{ schedule: Schedule; cursor: RunCursor } | undefined> {
    if (source.case === 'id') {
      problems.raise();
      const { spec, cursor } = await getWebhook(store, { id: source.value, namespace });
      return spec.schedule && { schedule: spec.schedule, cursor };
    }
    if (source.case !== 'schedule') return undefined;
    const schedule = scheduleFrom(source.value, 'schedule', problems);
    if (schedule === undefined) return undefined;
    problems.addAll(validateSchedule(schedule, { now, everyMinMs: settings.everyMinMs, field: 'schedule' }));
    problems.raise();
    return { schedule, cursor: firstCursor('', schedule, now) };
  }
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
