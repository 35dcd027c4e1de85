import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Http2ServerRequest, Http2ServerResponse } from 'node:http2';
import type { universalResponseToNodeResponse } from '@connectrpc/connect-node';

/** A request of node:http, node:https or node:http2. */
export type NodeRequest = IncomingMessage | Http2ServerRequest;

/** The response to it. */
export type NodeResponse = ServerResponse | Http2ServerResponse;

/** The same, with the types of the kinds made to agree, as Connect does it. */
export type CallableResponse = Parameters<typeof universalResponseToNodeResponse>[1];
