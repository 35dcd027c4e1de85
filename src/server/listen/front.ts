import { constants } from 'node:http2';
import type { Inbox } from '../../inbox/inbox.ts';
import type { Api } from '../../rpc/api.ts';
import type { Outbox } from '../../rpc/transport/outbox.ts';
import { handleCors } from './cors.ts';
import { createGuide } from './guide.ts';
import type { Handler, ListenerRequest, ListenerResponse } from './http-protocol.ts';
import { JWKS_PATH, type Jwks } from './jwks.ts';
import { LIVEZ_PATH, type Probes, READYZ_PATH } from './probes.ts';

export interface FrontDeps {
  readonly api: Pick<Api, 'handle' | 'endpoints'>;
  /** Undefined when the inbox is off. */
  readonly inbox: Pick<Inbox, 'handle'> | undefined;
  /** The public keys of namespaces. */
  readonly jwks: Jwks;
  readonly probes: Probes;
  readonly corsOrigins: readonly string[];
  /** Bounds what callers leave unread of pages, together with the answers to calls. */
  readonly outbox?: Outbox;
}

/** Where every request goes first: to the inbox, to the API, or to a page that lists what can be called. */
export function createFront({ api, inbox, jwks, probes, corsOrigins, outbox }: FrontDeps): Handler {
  const guide = createGuide({
    endpoints: [...api.endpoints, `GET ${JWKS_PATH}`, `GET ${LIVEZ_PATH}`, `GET ${READYZ_PATH}`],
    hasInbox: inbox !== undefined,
  });
  const answer: Handler = (request, response, openEnded) => {
    if (probes(request, response)) return;
    if (inbox?.handle(request, response)) return;
    if (jwks(request, response)) return;
    if (handleCors(corsOrigins, request, response)) return;
    if (!api.handle(request, response, openEnded)) guide(request, response);
  };
  if (outbox === undefined) return answer;
  return (request, response, openEnded) => {
    if (request.method !== 'GET' || !PAGE.test(request.url ?? ''))
      return answer(request, response, openEnded);
    return (
      follow(outbox, request, response)?.then(
        () => answer(request, response, openEnded),
        // Its caller went away.
        () => {},
      ) ?? answer(request, response, openEnded)
    );
  };
}

/** What is no call, which counts what it answers itself. */
const PAGE = /^\/(?:inbox|docs|openapi|\.well-known|$|\?)/;

/** Counts what is written of an answer until it is taken, and waits while its connection has left too much unread. */
function follow(
  outbox: Outbox,
  request: ListenerRequest,
  response: ListenerResponse,
): Promise<void> | undefined {
  const connection = 'stream' in request ? (request.stream.session ?? request) : request.socket;
  const outgoing = outbox.open(connection, () => {
    if ('stream' in response) response.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
    else response.destroy();
  });
  response.once('close', () => outgoing.end());
  const end = response.end.bind(response) as (...given: unknown[]) => ListenerResponse;
  response.end = ((...given: unknown[]) => {
    const [body] = given;
    if (typeof body === 'string' || body instanceof Uint8Array) outgoing.wrote(Buffer.byteLength(body));
    return end(...given);
  }) as typeof response.end;
  return outgoing.room(0);
}
