import { constants } from 'node:http2';
import type { DescMethod } from '@bufbuild/protobuf';
import { Code } from '@connectrpc/connect';
import type { Clock } from '../../domain/clock.ts';
import type { Log } from '../../telemetry/log.ts';
import type { Call } from './call.ts';
import { callLog } from './call-log.ts';
import type { Guard } from './guard.ts';
import type { CallableResponse, NodeRequest } from './node.ts';
import { refuse } from './wire.ts';

export interface ReceptionDeps {
  readonly clock: Clock;
  readonly log: Log;
  readonly guard: Guard;
}

export interface Arriving {
  readonly method: DescMethod;
  readonly protocol: string;
  readonly hiddenPath?: string;
}

/**
 * Begins a call that came over HTTP: lets it pass the guard, and sees to its log line. Undefined when the
 * request was not even HTTP enough, and is answered. What the guard refuses is left in `call.refusal`, to
 * be said in the caller's protocol.
 */
export type Reception = (
  arriving: Arriving,
  request: NodeRequest,
  response: CallableResponse,
) => Call | undefined;

/**
 * The one place where a call that comes by this port passes the guard. The body of one that is refused is left to
 * Node, which drops what nobody has read of a request that was answered.
 */
export function createReception({ clock, log, guard }: ReceptionDeps): Reception {
  const logCall = callLog({ clock, log });
  const hasUrl = urlChecker();
  return ({ method, protocol, hiddenPath = '' }, request, response) => {
    const call: Call = {
      method: `${method.parent.typeName}/${method.name}`,
      protocol,
      hiddenPath,
      startedAt: clock.monotonic(),
      ...guard.sourceOf(request.socket, request.headers),
      connection: 'stream' in request ? (request.stream.session ?? request) : request.socket,
      cutOff: () => cutOff(response),
      decoded: [],
      fields: {},
    };
    response.once('close', () => {
      call.outgoing?.end();
      logCall(call, response.writableEnded ? 'unknown' : 'canceled');
    });
    if (!hasUrl(request)) {
      const message = 'the request needs a valid URL and a Host header';
      refuse(request, response, {
        status: 400,
        code: Code.InvalidArgument,
        reason: 'MALFORMED_REQUEST',
        message,
      });
      return undefined;
    }
    try {
      call.admit = guard.begin(method, request, call);
    } catch (reason) {
      call.refusal = reason;
    }
    return call;
  };
}

/** A path that makes a URL with every host that makes one. */
const PLAIN_PATH = /^(?:\/[\w.:-]+)+$/;

/** Tells whether target and host make a URL together. */
function urlChecker(): (request: NodeRequest) => boolean {
  /** The last that made one. Most calls name the same, and are spared the parsing. */
  let known: string | undefined;
  return (request) => {
    const authority = 'authority' in request ? request.authority : request.headers.host;
    if (authority === undefined) return false;
    const { url = '' } = request;
    if (authority === known && PLAIN_PATH.test(url)) return true;
    if (!URL.canParse(url, `http://${authority}`)) return false;
    known = authority;
    return true;
  };
}

/** Over HTTP/2 clients know it as RESOURCE_EXHAUSTED (gRPC over HTTP/2, "Errors"). */
function cutOff(response: CallableResponse): void {
  if ('stream' in response) response.stream.close(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  else response.destroy();
}
