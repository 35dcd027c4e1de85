import { create } from '@bufbuild/protobuf';
import {
  type PreviewScheduleRequest,
  PreviewScheduleRequestSchema,
  type PreviewScheduleResponse,
  PreviewScheduleResponseSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import type { Preview } from '../../control/preview.ts';
import { noProblems, type Problems } from '../../domain/problems.ts';
import { scheduleFrom } from '../convert/schedule.ts';
import { fromTimestamp, toTimestamp } from '../convert/time.ts';
import type { HandlerDeps } from '../deps.ts';
import { namespaceOf } from '../namespace.ts';

/** WebhookService.PreviewSchedule. */
export function previewHandler({ control, rules }: HandlerDeps) {
  return async (request: PreviewScheduleRequest): Promise<PreviewScheduleResponse> => {
    const problems = noProblems();
    problems.addAll(await rules.violationsOf(PreviewScheduleRequestSchema, request));
    const namespace = namespaceOf(request.namespace, 'namespace', problems);
    const after = request.after && fromTimestamp(request.after, 'after', problems);
    const { count } = request;
    const preview: Preview = {
      of: subjectOf(request, namespace, problems),
      ...(after !== undefined && { after }),
      ...(count !== 0 && { count }),
    };
    const times = await control.webhooks.preview(preview, problems);
    return create(PreviewScheduleResponseSchema, { runTimes: times.map(toTimestamp) });
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
