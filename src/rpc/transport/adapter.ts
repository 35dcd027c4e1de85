import { Code, ConnectError, createContextValues } from '@connectrpc/connect';
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { codeFromHttpStatus, codeToString, parseTimeout } from '@connectrpc/connect/protocol-connect';
import { parseTimeout as parseGrpcTimeout } from '@connectrpc/connect/protocol-grpc';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { Log } from '../../telemetry/log.ts';
import type { Metadata } from '../error-info.ts';
import { readBody, readPieces } from './body.ts';
import { type Call, callKey } from './call.ts';
import { COMPRESSION_NAMES, type TakenIn, takeIn, takeQuery } from './decode.ts';
import { takeInEach } from './decode-stream.ts';
import type { CallableResponse, NodeRequest } from './node.ts';
import type { Outgoing } from './outbox.ts';
import { TIMEOUT_MS_MAX } from './plain-call.ts';
import type { Reception } from './reception.ts';
import { isGrpc, isGrpcWebText, refuse, type Wire, wireOf } from './wire.ts';

export interface AdapterDeps {
  readonly begin: Reception;
  readonly log: Log;
  readonly messageBytesMax: number;
}

/** A call that has begun, and its request in Connect's terms. */
interface Begun {
  readonly call: Call;
  readonly request: UniversalServerRequest;
}

/** What carries requests of node:http and node:http2 to Connect's handlers, and their responses back. */
export interface Adapter {
  /** Serves an RPC, in whichever protocol it is asked for. */
  serve(handler: UniversalHandler, request: NodeRequest, response: CallableResponse): void;
}

export function nodeAdapter({ begin, log, messageBytesMax }: AdapterDeps): Adapter {
  return {
    serve(handler, request, response) {
      const wire = wireOf(request.headers['content-type']);
      const call = begin(
        { method: handler.method, protocol: wire?.protocol ?? 'connect' },
        request,
        response,
      );
      if (call === undefined) return;
      prepare(handler, { call, request: universalFrom(call, request, response) }, wire, request)
        .then((prepared) => handler(prepared))
        // The guard takes it over, unless the call does not come so far.
        .finally(() => call.incoming?.end())
        .then((universal) =>
          isBare(universal)
            ? refuseBare(handler, universal.status, call, request, response)
            : respond(advertised(universal, wire), call, response),
        )
        .catch((reason: unknown) => giveUp(reason, call, request, response));
    },
  };

  /** Ends a call that cannot be answered: the caller is gone, or we have a bug. */
  function giveUp(reason: unknown, call: Call, request: NodeRequest, response: CallableResponse): void {
    if (response.headersSent || isGone(response)) {
      call.code ??= codeToString(ConnectError.from(reason).code);
      response.destroy();
      return;
    }
    call.code = 'internal';
    log.error({ rpc: call.method, err: reason }, 'a call could not be answered');
    refuse(request, response, {
      status: 500,
      code: Code.Internal,
      reason: 'INTERNAL_ERROR',
      message: 'internal error',
    });
  }

  /**
   * The request with its body read and decoded. If something is wrong with it, the handler's gate raises
   * that in the caller's protocol.
   */
  async function prepare(
    handler: UniversalHandler,
    { call, request }: Begun,
    wire: Wire | undefined,
    arrived: NodeRequest,
  ): Promise<UniversalServerRequest> {
    const { method } = handler;
    const one = method.methodKind === 'unary' || method.methodKind === 'server_streaming';
    if (call.refusal !== undefined) return { ...request, body: nothing() };
    try {
      if (request.method === 'GET') {
        const taken = await takeQuery(request, method, messageBytesMax, call);
        checkTimeout(request.header, wire);
        return keep(taken, call);
      }
      if (
        request.method === 'POST' &&
        wire !== undefined &&
        handler.supportedContentType(request.header.get('content-type'))
      ) {
        const intake = { request, method, wire, messageBytesMax };
        const read = (bytesMax: number) => readBody(arrived, bytesMax, call);
        const taken = one ? await takeIn({ ...intake, read, call }) : undefined;
        checkTimeout(request.header, wire);
        if (taken !== undefined) return keep(taken, call);
        const pieces = { ...request, body: readPieces(arrived) };
        return takeInEach({
          ...intake,
          request: pieces,
          call,
          decoded: (message) => call.decoded.push(message),
        });
      }
    } catch (reason) {
      call.refusal = reason;
      // The body is spent; the gate ends the call before anyone would read it.
      return request.method === 'GET' ? request : { ...request, body: nothing() };
    }
    return request;
  }
}

function universalFrom(call: Call, request: NodeRequest, response: CallableResponse): UniversalServerRequest {
  const values = createContextValues().set(callKey, call);
  const universal = universalRequestFromNodeRequest(request, response, undefined, values);
  dropEndlessTimeouts(universal.header);
  return universal;
}

/** Names what messages can be compressed with, as gRPC asks, above all where a caller took something else. */
function advertised(universal: UniversalServerResponse, wire: Wire | undefined): UniversalServerResponse {
  if (wire?.encodingHeader === 'grpc-encoding') universal.header?.set('grpc-accept-encoding', ACCEPTED);
  return universal;
}

const ACCEPTED = COMPRESSION_NAMES.join(',');

/** Writes a response, and rejects when the caller is gone. */
async function respond(
  universal: UniversalServerResponse,
  call: Call,
  response: CallableResponse,
): Promise<void> {
  noteCode(universal, call);
  // It never settles when all went well: it waits for an event that responses do not have.
  await universalResponseToNodeResponse(counted(watchTrailer(universal, call), call), response);
}

/** Keeps the message for the guard to hand on. */
function keep({ request, message }: TakenIn, call: Call): UniversalServerRequest {
  call.decoded.push(message);
  return request;
}

function isBare(universal: UniversalServerResponse): boolean {
  return universal.status >= 400 && universal.body === undefined;
}

/** Whether there is nobody to answer. The stream of HTTP/2 can be over before its response knows. */
function isGone(response: CallableResponse): boolean {
  return response.destroyed || ('stream' in response && response.stream.destroyed);
}

/** Connect answers these with a status alone. */
function refuseBare(
  handler: UniversalHandler,
  status: number,
  call: Call,
  request: NodeRequest,
  response: CallableResponse,
): void {
  const rpc = call.method;
  const verbs = isGrpc(request.headers['content-type']) ? ['POST'] : handler.allowedMethods;
  const streams = handler.method.methodKind !== 'unary';
  const types = streams
    ? 'application/connect+json, application/connect+proto, application/grpc or application/grpc-web'
    : 'application/json, application/proto, application/grpc or application/grpc-web';
  // What protoc-gen-grpc-web is told, whose other mode this is.
  const webText = isGrpcWebText(request.headers['content-type'])
    ? ', not application/grpc-web-text: generate the client with mode=grpcweb'
    : '';
  const code = codeOfBare(status, request);
  const reason =
    status === 405 ? 'VERB_NOT_ALLOWED' : status === 415 ? 'CONTENT_TYPE_UNSUPPORTED' : 'HTTP2_REQUIRED';
  const metadata: Metadata =
    status === 405
      ? { verb: request.method ?? '' }
      : status === 415
        ? { contentType: request.headers['content-type'] ?? '' }
        : {};
  const message =
    status === 405
      ? `${rpc} takes ${verbs.join(' or ')}, not ${request.method}`
      : status === 415
        ? `${rpc} takes ${request.method === 'GET' ? 'the query parameters encoding=json and message={…}' : `content-type ${types}${webText}`}`
        : `${rpc} streams both ways, which takes HTTP/2`;
  call.code = codeToString(code);
  refuse(request, response, {
    status,
    code,
    reason,
    metadata,
    message,
    ...(status === 405 && { allow: verbs }),
    close: status === 505,
  });
}

/** What the status alone would tell a client of the Connect protocol (its "Error Codes"); gRPC has a code of its own. */
function codeOfBare(status: number, { headers }: NodeRequest): Code {
  if (status === 505) return Code.FailedPrecondition;
  return isGrpc(headers['content-type']) ? Code.Unimplemented : codeFromHttpStatus(status);
}

/** For calls that ended before our interceptor saw them. */
function noteCode(universal: UniversalServerResponse, call: Call): void {
  if (call.code === undefined && universal.status !== 200) {
    call.code = codeToString(codeFromHttpStatus(universal.status));
  }
}

/** Tells the one answer of a call what is written of it. */
function counted(universal: UniversalServerResponse, { outgoing }: Call): UniversalServerResponse {
  const { body } = universal;
  if (body === undefined || outgoing === undefined) return universal;
  if (!(Symbol.asyncIterator in body)) return universal;
  return { ...universal, body: countedEach(body, outgoing) };
}

async function* countedEach(body: AsyncIterable<Uint8Array>, outgoing: Outgoing): AsyncIterable<Uint8Array> {
  for await (const piece of body) {
    outgoing.wrote(piece.length);
    yield piece;
  }
}

/** gRPC's status is in the trailer, which is complete when the body ends. */
function watchTrailer(universal: UniversalServerResponse, call: Call): UniversalServerResponse {
  const { body, trailer } = universal;
  if (body === undefined || trailer === undefined) return universal;
  return { ...universal, body: watched(body, trailer, call) };
}

async function* watched(
  body: AsyncIterable<Uint8Array>,
  trailer: Headers,
  call: Call,
): AsyncIterable<Uint8Array> {
  yield* body;
  const status = trailer.get('grpc-status');
  if (status !== null) call.code ??= status === '0' ? 'ok' : codeToString(Number(status));
  // Connect encodes it as a component, of which grpc-js, as a client, does not decode commas and colons.
  const message = trailer.get('grpc-message');
  if (message !== null) trailer.set('grpc-message', encodeURI(decodeURIComponent(message)));
}

function dropEndlessTimeouts(header: Headers): void {
  const grpc = /^(\d{1,8})([HMS])$/.exec(header.get('grpc-timeout') ?? '');
  const unitMs = { H: 3_600_000, M: 60_000, S: 1000 };
  if (grpc !== null && Number(grpc[1]) * unitMs[grpc[2] as 'H' | 'M' | 'S'] > TIMEOUT_MS_MAX) {
    header.delete('grpc-timeout');
  }
  if (Number(header.get('connect-timeout-ms') ?? 0) > TIMEOUT_MS_MAX) header.delete('connect-timeout-ms');
}

/** Raises what is wrong with the timeout that the caller asked for: Connect would say it where nobody gives it a reason. */
function checkTimeout(header: Headers, wire: Wire | undefined): void {
  const { error } =
    wire === undefined || wire.protocol === 'connect'
      ? parseTimeout(header.get('connect-timeout-ms'), TIMEOUT_MS_MAX)
      : parseGrpcTimeout(header.get('grpc-timeout'), Number.POSITIVE_INFINITY);
  if (error !== undefined) throw error;
}

async function* nothing(): AsyncIterable<Uint8Array> {}
