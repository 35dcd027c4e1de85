import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type ReplayEventsRequest,
  type ReplayEventsResponse,
  ReplayEventsResponseSchema,
} from '../../../gen/carillon/v1/event_pb.ts';
import { filterViolations } from '../../control/spec-rules.ts';
import { eventTypeViolations, type TypePattern, typePatternOf } from '../../domain/event/match.ts';
import { noProblems, type Problems } from '../../domain/problems.ts';
import type { ReplayOrder } from '../../publish/replayer.ts';
import { fromTimestamp, toTimestamp } from '../convert/time.ts';
import type { ApiDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { note } from '../transport/call.ts';
import { claimOf } from '../transport/once.ts';
import { principalOf } from '../transport/principal.ts';

/** EventService.ReplayEvents. */
export function replaying({ replayer }: Pick<ApiDeps, 'replayer'>) {
  return async (request: ReplayEventsRequest, context: HandlerContext): Promise<ReplayEventsResponse> => {
    const { filter, webhookId, deliveredTo, validateOnly } = request;
    const claim = claimOf(context);
    const problems = noProblems();
    const namespace = theNamespace(request.namespace, principalOf(context));
    const events = eventsFrom(request.events, problems);
    if (filter !== '') problems.addAll(await filterViolations(filter, 'filter'));
    problems.raise();
    const replayed = await replayer.replay({
      namespace,
      events,
      ...(filter !== '' && { filter }),
      ...(deliveredTo !== '' && { deliveredTo }),
      ...(webhookId !== '' && { webhookId }),
      validateOnly,
      ...(claim && { claim }),
    });
    note(context, { events: replayed.events, deliveries: replayed.deliveries });
    return create(ReplayEventsResponseSchema, {
      eventCount: replayed.events,
      deliveryCount: replayed.deliveries,
      ...(replayed.nextSince !== undefined && { nextStartTime: toTimestamp(replayed.nextSince) }),
    });
  };
}

function eventsFrom(events: ReplayEventsRequest['events'], problems: Problems): ReplayOrder['events'] {
  switch (events.case) {
    case 'ids':
      return { ids: events.value.ids };
    case 'range': {
      const { startTime, endTime, type } = events.value;
      const since = startTime ? fromTimestamp(startTime, 'range.start_time', problems) : 0;
      const until = endTime && fromTimestamp(endTime, 'range.end_time', problems);
      if (until !== undefined && until <= since) {
        problems.add('range.end_time', 'must be later than start_time');
      }
      const pattern = typeFrom(type, 'range.type', problems);
      return {
        since,
        ...(until !== undefined && { until }),
        ...(pattern !== undefined && { type: pattern }),
      };
    }
    case undefined:
      throw new Error('the rules of the message require range or ids');
    default:
      return events satisfies never;
  }
}

/** Which types a text names; undefined for all. Notes a text that no type can be matched by. */
function typeFrom(text: string, field: string, problems: Problems): TypePattern | undefined {
  const [violation] = text === '' ? [] : eventTypeViolations([text], field);
  if (violation !== undefined) problems.add(field, violation.description);
  return typePatternOf(text);
}
