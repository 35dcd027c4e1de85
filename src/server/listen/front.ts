import type { Inbox } from '../../inbox/inbox.ts';
import type { Api } from '../../rpc/api.ts';
import { handleCors } from './cors.ts';
import { createGuide } from './guide.ts';
import type { Handler } from './http-protocol.ts';

export interface FrontDeps {
  readonly api: Pick<Api, 'handle' | 'endpoints'>;
  /** Undefined when the inbox is off. */
  readonly inbox: Pick<Inbox, 'handle'> | undefined;
  readonly corsOrigins: readonly string[];
}

/** Where every request goes first: to the inbox, to the API, or to a page that lists what can be called. */
export function createFront({ api, inbox, corsOrigins }: FrontDeps): Handler {
  const guide = createGuide({ endpoints: api.endpoints, hasInbox: inbox !== undefined });
  return (request, response, openEnded) => {
    if (inbox?.handle(request, response)) return;
    if (handleCors(corsOrigins, request, response)) return;
    if (!api.handle(request, response, openEnded)) guide(request, response);
  };
}
