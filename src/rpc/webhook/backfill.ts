import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import { OverlapPolicy } from '../../../gen/carillon/v1/schedule_pb.ts';
import {
  type BackfillRequest,
  type BackfillResponse,
  BackfillResponseSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { noProblems } from '../../domain/problems.ts';
import { fromTimestamp, toTimestamp } from '../convert/time.ts';
import type { HandlerDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { principalOf } from '../transport/principal.ts';

/** WebhookService.Backfill. */
export function backfillHandler({ control }: HandlerDeps) {
  return async (request: BackfillRequest, context: HandlerContext): Promise<BackfillResponse> => {
    const { id, startTime, endTime, overlapPolicy, validateOnly } = request;
    const problems = noProblems();
    const order = {
      webhook: { namespace: theNamespace(request.namespace, principalOf(context)), id },
      // The rules of the message require both.
      startAt: fromTimestamp(startTime!, 'start_time', problems),
      endAt: fromTimestamp(endTime!, 'end_time', problems),
      overlap: overlapPolicy === OverlapPolicy.ALLOW ? 'ALLOW' : 'BUFFER',
      validateOnly,
    } as const;
    const { fired, known, nextAt } = await control.webhooks.backfill(order, context.signal, problems);
    return create(BackfillResponseSchema, {
      runCount: fired,
      knownRunCount: known,
      ...(nextAt !== undefined && { nextStartTime: toTimestamp(nextAt) }),
    });
  };
}
