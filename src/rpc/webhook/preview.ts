import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type ClockChange as ClockChangeMessage,
  ClockChangeSchema,
} from '../../../gen/carillon/v1/schedule_pb.ts';
import {
  type PreviewScheduleRequest,
  PreviewScheduleRequestSchema,
  type PreviewScheduleResponse,
  PreviewScheduleResponseSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import type { Preview } from '../../control/preview.ts';
import { noProblems, type Problems } from '../../domain/problems.ts';
import type { ClockChange, ClockEffect } from '../../domain/schedule/runs/clock-changes.ts';
import { changeWords } from '../../domain/schedule/words/change-words.ts';
import { localTime, withOffset } from '../../domain/schedule/words/local-time.ts';
import { spelledTimeZone } from '../../domain/schedule/zone.ts';
import { DEFAULTS } from '../../domain/webhook/defaults.ts';
import { scheduleFrom } from '../convert/schedule.ts';
import { fromTimestamp, toTimestamp } from '../convert/time.ts';
import type { HandlerDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { principalOf } from '../transport/principal.ts';

/** WebhookService.PreviewSchedule. */
export function previewHandler({ control, rules }: HandlerDeps) {
  return async (
    request: PreviewScheduleRequest,
    context: HandlerContext,
  ): Promise<PreviewScheduleResponse> => {
    const problems = noProblems();
    problems.addAll(await rules.violationsOf(PreviewScheduleRequestSchema, request));
    const namespace = theNamespace(request.namespace, principalOf(context));
    const after = request.afterTime && fromTimestamp(request.afterTime, 'after_time', problems);
    const { count } = request;
    const preview: Preview = {
      of: subjectOf(request, namespace, problems),
      ...(after !== undefined && { after }),
      ...(count !== 0 && { count }),
    };
    const { times, zone, words, changes } = await control.webhooks.preview(preview, problems);
    const timeZone = zone ?? givenZone(request) ?? DEFAULTS.timeZone;
    return create(PreviewScheduleResponseSchema, {
      runTimes: times.map(toTimestamp),
      localRunTimes: times.map((time) => localTime(timeZone, time)),
      timeZone,
      description: words,
      clockChanges: changes.map(clockChangeTo),
    });
  };
}

/** Raises INVALID when it cannot be made out. */
function subjectOf({ source }: PreviewScheduleRequest, namespace: string, problems: Problems): Preview['of'] {
  if (source.case === 'id') return { namespace, id: source.value };
  const schedule =
    source.case === 'schedule' ? scheduleFrom(source.value, problems.under('schedule')) : undefined;
  if (schedule !== undefined) return { schedule };
  problems.raise();
  throw new Error('the rules of the message require a source that says when it rings');
}

/** The zone in which a caller who asks about a period wants to read its runs. */
function givenZone({ source }: PreviewScheduleRequest): string | undefined {
  const name = source.case === 'schedule' ? source.value.timeZone : '';
  return name === '' ? undefined : spelledTimeZone(name);
}

function clockChangeTo(change: ClockChange): ClockChangeMessage {
  const { at, zone, beforeMs, offsetMs, effects } = change;
  const count = (effect: ClockEffect) => effects.get(effect)?.count ?? 0;
  return create(ClockChangeSchema, {
    changeTime: toTimestamp(at),
    localTimeBefore: withOffset(at, beforeMs, zone),
    localTimeAfter: withOffset(at, offsetMs, zone),
    shiftedRunCount: count('SHIFTED'),
    leftOutRunCount: count('LEFT_OUT'),
    singleRunCount: count('ONCE'),
    repeatedRunCount: count('TWICE'),
    description: changeWords(change),
  });
}
