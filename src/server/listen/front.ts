import type { Inbox } from '../../inbox/inbox.ts';
import type { Api } from '../../rpc/api.ts';
import { handleCors } from './cors.ts';
import type { Handler, ListenerRequest, ListenerResponse } from './http-protocol.ts';

export interface FrontDeps {
  readonly api: Pick<Api, 'handle' | 'endpoints'>;
  /** Undefined when the inbox is off. */
  readonly inbox: Pick<Inbox, 'handle'> | undefined;
  readonly corsOrigins: readonly string[];
}

/** Where every request goes first: to the inbox, to the API, or to a page that lists what can be called. */
export function createFront({ api, inbox, corsOrigins }: FrontDeps): Handler {
  const guide = guideText(api.endpoints, inbox !== undefined);
  return (request, response, openEnded) => {
    if (inbox?.handle(request, response)) return;
    if (handleCors(corsOrigins, request, response)) return;
    if (!api.handle(request, response, openEnded)) answerGuide(request, response, guide);
  };
}

/** The same text is a welcome at the root, and a correction at a path that does not exist. */
function answerGuide(request: ListenerRequest, response: ListenerResponse, guide: string): void {
  const path = (request.url ?? '').split('?', 1)[0];
  const isRoot = path === '/';
  response.statusCode = isRoot ? 200 : 404;
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.setHeader('x-content-type-options', 'nosniff');
  const body = isRoot ? guide : `There is nothing at this path.\n\n${guide}`;
  response.end(request.method === 'HEAD' ? '' : body);
  // What was sent along is not wanted, but must be read for the connection to go on.
  request.resume();
}

function guideText(endpoints: readonly string[], hasInbox: boolean): string {
  const inboxes = hasInbox ? ['GET /inbox', 'POST /inbox/<name>'] : [];
  const lines = [...endpoints, ...inboxes].map((line) => `  ${line}`);
  return `Carillon delivers webhooks. It answers Connect, gRPC, gRPC-Web and JSON here:\n\n${lines.join('\n')}\n`;
}
