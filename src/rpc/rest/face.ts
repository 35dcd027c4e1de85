import { type DescMessage, type JsonObject, type Message, toJson, toJsonString } from '@bufbuild/protobuf';
import type { Code, ConnectError } from '@connectrpc/connect';
import { codeToHttpStatus, errorToJson } from '@connectrpc/connect/protocol-connect';
import {
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from '../../../gen/grpc/health/v1/health_pb.ts';
import type { Reason } from '../../domain/reason.ts';
import { type Metadata, protocolError } from '../error-info.ts';
import { JSON_OPTIONS } from '../transport/answer.ts';
import type { CallableResponse, NodeRequest } from '../transport/node.ts';
import { refuse } from '../transport/wire.ts';
import { type Circumstances, restErrorBody, toRestError } from './status.ts';

/** What is written of an answer. */
export interface Written {
  readonly status: number;
  readonly text: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** What a request is told that is no call of anything. */
export interface Missed {
  readonly status: number;
  readonly code: Code;
  readonly message: string;
  readonly reason: Reason;
  readonly metadata?: Metadata;
  /** The verbs of the Allow header. */
  readonly allow?: readonly string[];
}

/** How the answers of some paths look. */
export interface Face {
  /** The answer to a call that went well. */
  present(type: DescMessage, output: Message, request: NodeRequest): Written;
  failure(error: ConnectError, circumstances: Circumstances): Written;
  /** Answers a request that is no call. */
  miss(request: NodeRequest, response: CallableResponse, missed: Missed): void;
}

/** The face of `/v1`: the response message as it is, and errors in AIP-193's JSON. */
export const REST_FACE: Face = {
  present(type, output, { method: verb, headers }) {
    const text = toJsonString(type, output, JSON_OPTIONS);
    if (isNotServing(type, output)) return { status: 503, text };
    const etag = etagIn(output);
    if (etag === undefined) return { status: 200, text };
    const quoted = `"${etag}"`;
    const known = (verb === 'GET' || verb === 'HEAD') && namesEtag(headers['if-none-match'], quoted);
    return { status: known ? 304 : 200, text: known ? '' : text, headers: { etag: quoted } };
  },
  failure(error, circumstances) {
    const { status, body, headers } = toRestError(error, circumstances);
    return { status, text: JSON.stringify(body), headers };
  },
  miss(request, response, { status, code, message, reason, metadata, allow }) {
    request.resume();
    const error = protocolError(reason, message, metadata, code);
    const text = JSON.stringify(restErrorBody(status, error));
    response.writeHead(status, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(text),
      ...(allow !== undefined && { allow: allow.join(', ') }),
    });
    response.end(request.method === 'HEAD' ? '' : text);
  },
};

/** How an alias answers a call that went well. */
export type Present = (response: JsonObject) => { status: number; body: JsonObject; location?: string };

/** The face of the older paths: errors are the Connect protocol's. */
export function aliasFace(present: Present): Face {
  return {
    present(type, output) {
      const { status, body, location } = present(toJson(type, output, JSON_OPTIONS) as JsonObject);
      const headers = location === undefined ? {} : { location };
      return { status, text: JSON.stringify(body), headers };
    },
    failure: (error) => ({
      status: codeToHttpStatus(error.code),
      text: JSON.stringify(errorToJson(error, JSON_OPTIONS)),
    }),
    miss: refuse,
  };
}

/** Load balancers go by the status of a health check and read no body. The answer itself is no error. */
function isNotServing(type: DescMessage, output: Message): boolean {
  return type === HealthCheckResponseSchema && (output as HealthCheckResponse).status === Status.NOT_SERVING;
}

/** The etag of an answer, or of the resource in it. */
function etagIn(output: Message): string | undefined {
  const own = textIn(output, 'etag');
  if (own !== undefined) return own;
  for (const value of Object.values(output)) {
    const etag = typeof value === 'object' && value !== null ? textIn(value, 'etag') : undefined;
    if (etag !== undefined) return etag;
  }
  return undefined;
}

function textIn(holder: object, name: string): string | undefined {
  const value = (holder as Record<string, unknown>)[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

function namesEtag(header: string | undefined, quoted: string): boolean {
  return header?.split(',').some((each) => each.trim().replace(/^W\//, '') === quoted) ?? false;
}
