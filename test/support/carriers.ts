import assert from 'node:assert/strict';
import {
  create,
  createRegistry,
  type DescMethod,
  type DescMethodServerStreaming,
  type DescMethodUnary,
  fromJson,
  type JsonObject,
  type JsonValue,
  toJson,
} from '@bufbuild/protobuf';
import { ConnectError, type Transport } from '@connectrpc/connect';
import { createGrpcTransport } from '@connectrpc/connect-node';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import { startGrpc } from './grpc.ts';
import { restRequest } from './rest.ts';
import type { RunningApi } from './rpc.ts';

/** What a call came to, the same whatever carried it: its answer, the first of its answers, or its error. */
export type Outcome = { readonly answer: JsonValue } | { readonly error: OutcomeError };

export interface OutcomeError {
  /** google.rpc.Code. */
  readonly code: number;
  readonly message: string;
  /** In JSON, with `@type`. */
  readonly details: readonly JsonObject[];
}

/** Calls a method that is unary, or streams from the server, with a request in ProtoJSON. */
export type Carrier = (method: DescMethod, request: JsonObject) => Promise<Outcome>;

export interface Carriers extends AsyncDisposable {
  readonly byName: Readonly<Record<string, Carrier>>;
}

/** Every way into a running API. */
export async function openCarriers(api: RunningApi): Promise<Carriers> {
  const native = await startGrpc(api.api.services);
  const { host, port } = native.address;
  const nativeGrpc = createGrpcTransport({ baseUrl: `http://${host}:${port}`, idleConnectionTimeoutMs: 1 });
  const transports = Object.entries({ ...api.transports, nativeGrpc });
  return {
    byName: {
      ...Object.fromEntries(transports.map(([name, transport]) => [name, connectCarrier(transport)])),
      rest: restCarrier(api.url),
    },
    [Symbol.asyncDispose]: () => native[Symbol.asyncDispose](),
  };
}

/** An outcome with the paths of fields as they stand in a body that is one field of the request. */
export function insideBody(outcome: Outcome, body: string): Outcome {
  if (!('error' in outcome) || outcome.error.code !== 3 || body === '' || body === '*') return outcome;
  const inside = (field = '') => (field.startsWith(`${body}.`) ? field.slice(body.length + 1) : field);
  const [info, bad, ...more] = outcome.error.details as unknown as [ErrorInfoJson, BadRequestJson];
  assert.deepEqual(more, []);
  const fieldViolations = bad.fieldViolations.map((each) => ({ ...each, field: inside(each.field) }));
  const sentences = fieldViolations.map(({ field, description }) => `${field}: ${description}`);
  const metadata = { ...info.metadata, field: inside(info.metadata.field) };
  return {
    error: {
      code: outcome.error.code,
      message: sentences.join('; '),
      details: [
        { ...info, metadata },
        { ...bad, fieldViolations },
      ],
    },
  };
}

interface ErrorInfoJson extends JsonObject {
  readonly metadata: { readonly field: string };
}

interface BadRequestJson extends JsonObject {
  readonly fieldViolations: { readonly field?: string; readonly description: string }[];
}

const registry = createRegistry(file_google_rpc_error_details);

function connectCarrier(transport: Transport): Carrier {
  return async (method, request) => {
    const input = fromJson(method.input, request, { registry });
    const stop = new AbortController();
    try {
      if (isUnary(method)) {
        const { message } = await transport.unary(method, undefined, undefined, undefined, input);
        return { answer: toJson(method.output, message, { registry }) };
      }
      if (!streams(method)) throw new Error(`${method.name} streams from its caller`);
      const inputs = (async function* () {
        yield input;
      })();
      const { message } = await transport.stream(method, stop.signal, undefined, undefined, inputs);
      for await (const each of message) return { answer: toJson(method.output, each, { registry }) };
      return { answer: null };
    } catch (reason) {
      if (!(reason instanceof ConnectError)) throw reason;
      return { error: errorOf(reason) };
    } finally {
      stop.abort();
    }
  };
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === 'unary';
}

function streams(method: DescMethod): method is DescMethodServerStreaming {
  return method.methodKind === 'server_streaming';
}

function errorOf(error: ConnectError): OutcomeError {
  const details = error.details.map((detail): JsonObject => {
    if ('desc' in detail) throw new Error('an error that came from a server has its details in bytes');
    const type = registry.getMessage(detail.type);
    if (type === undefined) throw new Error(`${detail.type} is not a detail of errors`);
    const [message] = error.findDetails(type);
    const json = toJson(type, create(type, message!), { registry }) as JsonObject;
    return { '@type': `type.googleapis.com/${detail.type}`, ...json };
  });
  return { code: error.code, message: error.rawMessage, details };
}

/** google.rpc.Code, in the order of its numbers. */
const STATUSES = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
];

interface RestErrorJson {
  readonly code: number;
  readonly message: string;
  readonly status: string;
  readonly details?: readonly JsonObject[];
}

function restCarrier(url: string): Carrier {
  return async (method, request) => {
    const { verb, path, body } = restRequest(method, request);
    const stop = new AbortController();
    const response = await fetch(url + path, {
      method: verb,
      signal: stop.signal,
      ...(body !== undefined && {
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(body),
      }),
    });
    if (response.headers.get('content-type') === 'text/event-stream') {
      const answer = await firstEvent(response);
      stop.abort();
      return { answer };
    }
    const answer = (await response.json()) as JsonObject;
    if (response.ok) return { answer };
    const { status, message, details = [] } = answer.error as unknown as RestErrorJson;
    return { error: { code: STATUSES.indexOf(status), message, details } };
  };
}

/** The first message of Server-Sent Events; one that carries nothing but its token is a comment with an id. */
async function firstEvent(response: Response): Promise<JsonValue> {
  let text = '';
  for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (text.includes('\n\n')) break;
  }
  const data = /^data: (.*)$/m.exec(text)?.[1];
  return data === undefined ? { resumeToken: /^id: (.*)$/m.exec(text)?.[1] ?? '' } : JSON.parse(data);
}
