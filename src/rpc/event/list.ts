import type { ListEventsRequest } from '../../../gen/carillon/v1/event_pb.ts';
import type { EventQuery } from '../../control/control.ts';
import type { EventRecord } from '../../domain/event/event.ts';
import { eventTypeViolations, typePatternOf } from '../../domain/event/match.ts';
import { noProblems, type Problems } from '../../domain/problems.ts';
import { eventTo } from '../convert/event.ts';
import { fromTimestamp } from '../convert/time.ts';
import type { ApiDeps } from '../deps.ts';
import { namespaceOf } from '../namespace.ts';
import { readPage } from '../page.ts';

/** EventService.ListEvents. */
export function listing({ control }: Pick<ApiDeps, 'control'>) {
  return async (request: ListEventsRequest) => {
    const { pageSize, pageToken, type, startTime, endTime } = request;
    const problems = noProblems();
    const namespace = namespaceOf(request.namespace, 'namespace', problems);
    const pattern = typeFrom(type, 'type', problems);
    const since = startTime && fromTimestamp(startTime, 'start_time', problems);
    const until = endTime && fromTimestamp(endTime, 'end_time', problems);
    problems.raise();
    const filter: Omit<EventQuery, 'limit'> = {
      namespace,
      ...(pattern !== undefined && { type: pattern }),
      ...(since !== undefined && { since }),
      ...(until !== undefined && { until }),
    };
    const { rows, nextPageToken } = await readPage({
      query: ['ListEvents', namespace, type, since ?? '', until ?? ''],
      pageSize,
      pageToken,
      // The newest first: a page goes on with what came before.
      read: (before, limit) =>
        control.events.list({ ...filter, limit, ...(before !== undefined && { before }) }),
      idOf: (event) => event.id,
      bytesOf,
    });
    return { events: rows.map(eventTo), nextPageToken };
  };
}

/** Which types a text names; undefined for all. Notes a text that no type can be matched by. */
export function typeFrom(text: string, field: string, problems: Problems): EventQuery['type'] {
  const [violation] = text === '' ? [] : eventTypeViolations([text], field);
  if (violation !== undefined) problems.add(field, violation.description);
  return typePatternOf(text);
}

/** The wire size of an event without its data, about: what a publisher can make long, and the rest. */
function bytesOf({ source = '', subject = '', headers }: EventRecord): number {
  const texts = [source, subject, ...Object.entries(headers).flat()];
  return texts.reduce((sum, text) => sum + text.length, 400);
}
