import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type PublishBatchRequest,
  type PublishBatchResponse,
  PublishBatchResponseSchema,
  type PublishRequest,
  type PublishResponse,
} from '../../../gen/carillon/v1/event_pb.ts';
import type { Claim } from '../../domain/claim.ts';
import { invalidRequest } from '../../domain/error.ts';
import { createTurns } from '../../publish/turns.ts';
import type { ApiDeps } from '../deps.ts';
import { note } from '../transport/call.ts';
import { claimOf } from '../transport/once.ts';
import { principalOf } from '../transport/principal.ts';
import { type Answer, answerOf, isError, resultOf } from './publish-answer.ts';
import { type Judged, judgeAmongOthers, judgePublish } from './publish-judge.ts';

export type PublishDeps = Pick<ApiDeps, 'publisher' | 'clock'>;

/** EventService.Publish. */
export function publishing(deps: PublishDeps) {
  return async (request: PublishRequest, context: HandlerContext): Promise<PublishResponse> => {
    const judged = judgePublish(request, principalOf(context), deps.clock.now());
    if ('refused' in judged) throw judged.refused;
    const [answer] = await publishAll(deps.publisher, [judged], claimOf(context));
    if (answer === undefined || answer instanceof Error) throw answer;
    note(context, { eventId: answer.id, deliveries: answer.deliveryCount });
    return answer;
  };
}

/** As the proto file says. */
const BATCH_MAX = 1000;

/** EventService.PublishBatch. The rules of each event are its own, see `judgePublish`. */
export function batchPublishing({ publisher, clock }: PublishDeps) {
  return async (request: PublishBatchRequest, context: HandlerContext): Promise<PublishBatchResponse> => {
    const { length } = request.requests;
    if (length === 0 || length > BATCH_MAX) {
      const description = `has ${length} items: give 1 to ${BATCH_MAX}`;
      throw invalidRequest([{ field: 'requests', description }]);
    }
    const now = clock.now();
    const principal = principalOf(context);
    const turns = createTurns(clock);
    const judged: Judged[] = [];
    for (const item of request.requests) {
      judged.push(judgeAmongOthers(item, principal, now));
      if (turns.isOver()) await turns.next();
    }
    const answers = await publishAll(publisher, judged, claimOf(context));
    note(context, { events: answers.length, refused: answers.filter(isError).length });
    return create(PublishBatchResponseSchema, { results: answers.map(resultOf) });
  };
}

/**
 * Publishes those that are good, all together, and answers each, in order. Raises what the publisher
 * raises: nothing was published then.
 */
export async function publishAll(
  publisher: PublishDeps['publisher'],
  all: readonly Judged[],
  claim?: Claim,
): Promise<Answer[]> {
  const drafts = all.flatMap((judged) => ('draft' in judged ? [judged.draft] : []));
  const published = drafts.length === 0 ? [] : await publisher.publish(drafts, claim);
  let at = 0;
  return all.map((judged) => {
    if ('refused' in judged) return judged.refused;
    return answerOf(published[at++]!, judged.draft.callerId);
  });
}
