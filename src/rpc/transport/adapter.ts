import { constants } from 'node:http2';
import type { DescMethod } from '@bufbuild/protobuf';
import { Code, ConnectError, createContextValues } from '@connectrpc/connect';
import type {
  UniversalHandler,
  UniversalServerRequest,
  UniversalServerResponse,
} from '@connectrpc/connect/protocol';
import { codeFromHttpStatus, codeToString } from '@connectrpc/connect/protocol-connect';
import { universalRequestFromNodeRequest, universalResponseToNodeResponse } from '@connectrpc/connect-node';
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../telemetry/log.ts';
import { readBody } from './body.ts';
import { type Call, callKey } from './call.ts';
import { callLog } from './call-log.ts';
import { type TakenIn, takeIn, takeQuery } from './decode.ts';
import { takeInEach } from './decode-stream.ts';
import type { Guard } from './guard.ts';
import type { CallableResponse, NodeRequest } from './node.ts';
import { isGrpcWebText, refuse, type Wire, wireOf } from './wire.ts';

/** setTimeout fires at once when asked to wait longer, so a longer deadline is none. */
const TIMEOUT_MS_MAX = 2 ** 31 - 1;

export interface AdapterDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly guard: Guard;
  readonly messageBytesMax: number;
}

export interface CallInit {
  readonly handler: UniversalHandler;
  readonly protocol: string;
  readonly hiddenPath?: string;
}

/** A call that has begun, and its request in Connect's terms. */
export interface Begun {
  readonly call: Call;
  readonly request: UniversalServerRequest;
}

/** What carries requests of node:http and node:http2 to Connect's handlers, and their responses back. */
export interface Adapter {
  /** Serves an RPC, in whichever protocol it is asked for. */
  serve(handler: UniversalHandler, request: NodeRequest, response: CallableResponse): void;
  /** Begins a call, lets it pass the guard, and sees to its log line. Undefined when the request was not even HTTP enough, and is answered. */
  begin(init: CallInit, request: NodeRequest, response: CallableResponse): Begun | undefined;
  /** Writes a response, and gives up when the caller is gone. */
  respond(universal: UniversalServerResponse, call: Call, response: CallableResponse): Promise<void>;
  /** Ends a call that cannot be answered: the caller is gone, or we have a bug. */
  giveUp(reason: unknown, call: Call, request: NodeRequest, response: CallableResponse): void;
}

export function nodeAdapter({ clock, log, guard, messageBytesMax }: AdapterDeps): Adapter {
  const logCall = callLog({ clock, log });
  const adapter: Adapter = {
    serve(handler, request, response) {
      const wire = wireOf(request.headers['content-type']);
      const begun = adapter.begin({ handler, protocol: wire?.protocol ?? 'connect' }, request, response);
      if (begun === undefined) return;
      const read = (bytesMax: number) => readBody(request, bytesMax);
      prepare(handler, begun, wire, read)
        .then((prepared) => handler(prepared))
        .then((universal) =>
          isBare(universal)
            ? refuseBare(handler, universal.status, begun.call, request, response)
            : adapter.respond(universal, begun.call, response),
        )
        .catch((reason: unknown) => adapter.giveUp(reason, begun.call, request, response));
    },

    begin({ handler, protocol, hiddenPath = '' }, request, response) {
      const method = `${handler.service.typeName}/${handler.method.name}`;
      const call: Call = {
        method,
        protocol,
        hiddenPath,
        startedAt: clock.monotonic(),
        cutOff: () => cutOff(response),
        decoded: [],
        fields: {},
      };
      const values = createContextValues().set(callKey, call);
      response.once('close', () => logCall(call, response.writableEnded ? 'unknown' : 'canceled'));
      try {
        const universal = universalRequestFromNodeRequest(request, response, undefined, values);
        dropEndlessTimeouts(universal.header);
        enter(handler.method, request, call);
        return { call, request: universal };
      } catch {
        const message = 'the request needs a valid URL and a Host header';
        refuse(request, response, { status: 400, code: Code.InvalidArgument, message });
        return undefined;
      }
    },

    async respond(universal, call, response) {
      noteCode(universal, call);
      // It never settles when all went well: it waits for an event that responses do not have.
      await universalResponseToNodeResponse(watchTrailer(universal, call), response);
    },

    giveUp(reason, call, request, response) {
      if (response.headersSent || response.destroyed) {
        call.code ??= codeToString(ConnectError.from(reason).code);
        response.destroy();
        return;
      }
      call.code = 'internal';
      log.error({ rpc: call.method, err: reason }, 'a call could not be answered');
      refuse(request, response, { status: 500, code: Code.Internal, message: 'internal error' });
    },
  };
  return adapter;

  /**
   * The one place where a call that comes by this port passes the guard. The handler's gate raises a
   * refusal. The body is left to Node, which drops what nobody has read of a request that was answered.
   */
  function enter(method: DescMethod, request: NodeRequest, call: Call): void {
    try {
      call.admit = guard.begin(method, request, call);
    } catch (reason) {
      call.refusal = reason;
    }
  }

  /**
   * The request with its body read and decoded. If something is wrong with it, the handler's gate raises
   * that in the caller's protocol.
   */
  async function prepare(
    handler: UniversalHandler,
    { call, request }: Begun,
    wire: Wire | undefined,
    read: (bytesMax: number) => Promise<Uint8Array>,
  ): Promise<UniversalServerRequest> {
    const { method } = handler;
    const one = method.methodKind === 'unary' || method.methodKind === 'server_streaming';
    if (call.refusal !== undefined) return { ...request, body: nothing() };
    try {
      if (request.method === 'GET') return keep(await takeQuery(request, method, messageBytesMax), call);
      if (
        request.method === 'POST' &&
        wire !== undefined &&
        handler.supportedContentType(request.header.get('content-type'))
      ) {
        const intake = { request, method, wire, messageBytesMax };
        if (one) return keep(await takeIn({ ...intake, read }), call);
        return takeInEach({ ...intake, decoded: (message) => call.decoded.push(message) });
      }
    } catch (reason) {
      call.refusal = reason;
      // The body is spent; the gate ends the call before anyone would read it.
      return request.method === 'GET' ? request : { ...request, body: nothing() };
    }
    return request;
  }
}

/** Keeps the message for the guard to hand on. */
function keep({ request, message }: TakenIn, call: Call): UniversalServerRequest {
  call.decoded.push(message);
  return request;
}

function isBare(universal: UniversalServerResponse): boolean {
  return universal.status >= 400 && universal.body === undefined;
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
  const streams = handler.method.methodKind !== 'unary';
  const types = streams
    ? 'application/connect+json, application/connect+proto, application/grpc or application/grpc-web'
    : 'application/json, application/proto, application/grpc or application/grpc-web';
  // What protoc-gen-grpc-web is told, whose other mode this is.
  const webText = isGrpcWebText(request.headers['content-type'])
    ? ', not application/grpc-web-text: generate the client with mode=grpcweb'
    : '';
  const code = status === 505 ? Code.FailedPrecondition : Code.Unimplemented;
  const message =
    status === 405
      ? `${rpc} takes ${handler.allowedMethods.join(' or ')}, not ${request.method}`
      : status === 415
        ? `${rpc} takes ${request.method === 'GET' ? 'the query parameters encoding=json and message={…}' : `content-type ${types}${webText}`}`
        : `${rpc} streams both ways, which takes HTTP/2`;
  call.code = codeToString(code);
  refuse(request, response, {
    status,
    code,
    message,
    ...(status === 405 && { allow: handler.allowedMethods }),
    close: status === 505,
  });
}

/** For calls that ended before our interceptor saw them. */
function noteCode(universal: UniversalServerResponse, call: Call): void {
  if (call.code === undefined && universal.status !== 200) {
    call.code = codeToString(codeFromHttpStatus(universal.status));
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

/** Over HTTP/2 clients know it as RESOURCE_EXHAUSTED (gRPC over HTTP/2, "Errors"). */
function cutOff(response: CallableResponse): void {
  if ('stream' in response) response.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  else response.destroy();
}

function dropEndlessTimeouts(header: Headers): void {
  const grpc = /^(\d{1,8})([HMS])$/.exec(header.get('grpc-timeout') ?? '');
  const unitMs = { H: 3_600_000, M: 60_000, S: 1000 };
  if (grpc !== null && Number(grpc[1]) * unitMs[grpc[2] as 'H' | 'M' | 'S'] > TIMEOUT_MS_MAX) {
    header.delete('grpc-timeout');
  }
  if (Number(header.get('connect-timeout-ms') ?? 0) > TIMEOUT_MS_MAX) header.delete('connect-timeout-ms');
}

async function* nothing(): AsyncIterable<Uint8Array> {}
