import type { HandlerContext } from '@connectrpc/connect';
import type { ListEventsRequest } from '../../../gen/carillon/v1/event_pb.ts';
import type { EventRecord } from '../../domain/event/event.ts';
import { EVENT_FIELDS } from '../../domain/listing/fields.ts';
import { eventTo } from '../convert/event.ts';
import type { ApiDeps } from '../deps.ts';
import { listingOf } from '../listing.ts';
import { readPage } from '../page.ts';
import { principalOf } from '../transport/principal.ts';

/** EventService.ListEvents. */
export function listing({ control }: Pick<ApiDeps, 'control'>) {
  return async (request: ListEventsRequest, context: HandlerContext) => {
    const { pageSize, pageToken } = request;
    const { namespace, where, order, query } = listingOf('ListEvents', request, principalOf(context), RULES);
    const { rows, nextPageToken } = await readPage({
      query,
      pageSize,
      pageToken,
      read: control.events.list({ namespace, where, descending: order.descending }),
      placeOf: ({ id }) => id,
      bytesOf,
      signal: context.signal,
    });
    return { events: rows.map(eventTo), nextPageToken };
  };
}

const RULES = {
  fields: EVENT_FIELDS,
  orders: ['create_time'],
  usual: { by: 'create_time', descending: true },
} as const;

/** The wire size of an event without its data, about: what a publisher can make long, and the rest. */
function bytesOf({ source = '', subject = '', headers, extensions = {} }: EventRecord): number {
  const texts = [source, subject, ...Object.entries(headers).flat(), ...Object.entries(extensions).flat()];
  return texts.reduce((sum, text) => sum + text.length, 400);
}
