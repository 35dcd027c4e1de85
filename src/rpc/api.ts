import type { Registry } from '@bufbuild/protobuf';
import { Code, createConnectRouter, type HandlerContext } from '@connectrpc/connect';
import type { ApiDeps } from './deps.ts';
import { createRest } from './rest/rest.ts';
import { createServices, type Services, type ServicesHealth } from './services.ts';
import { nodeAdapter } from './transport/adapter.ts';
import { JSON_OPTIONS } from './transport/answer.ts';
import { callKey } from './transport/call.ts';
import { COMPRESSIONS } from './transport/decode.ts';
import { endWithAnswer } from './transport/end-with-answer.ts';
import { type Guard, guardInterceptor } from './transport/guard.ts';
import type { CallableResponse, NodeRequest, NodeResponse } from './transport/node.ts';
import { createReception } from './transport/reception.ts';
import { type UnaryJson, unaryJson } from './transport/unary-json.ts';
import { namesOf, unknownRpc } from './transport/unknown.ts';
import { refuse } from './transport/wire.ts';

/** The API, without a listener: the one who listens gives it the requests. */
export interface Api {
  /**
   * Answers a request, of HTTP/1.1 or HTTP/2, if its path is one of ours or looks like an RPC.
   * Returns whether it does; if not, nothing was read or written. `openEnded` is called for a request that
   * need not be whole before it is answered, nor ever.
   */
  handle(request: NodeRequest, response: NodeResponse, openEnded?: () => void): boolean;
  /** What is mounted here, for another port to mount as well. */
  readonly services: Services;
  readonly health: ServicesHealth;
  /** A line for each path and service that can be called, to show to callers who ask for an unknown path. */
  readonly endpoints: readonly string[];
  /** Loads what the first call would wait for. To be called once it is listened to: it takes a while. */
  load(): Promise<void>;
}

export function createApi(deps: ApiDeps): Api {
  const services = createServices(deps);
  return { ...mountServices(services, deps), services, health: services.health, load: services.load };
}

export interface MountDeps extends Pick<ApiDeps, 'clock' | 'log'> {
  readonly settings: Pick<ApiDeps['settings'], 'messageBytesMax'>;
  /** What may stand in a google.protobuf.Any of an answer in JSON; the details of errors when not given. */
  readonly registry?: Registry;
}

/** Mounts services on the port of Connect, gRPC, gRPC-Web and the plain paths. */
export function mountServices(
  services: Pick<Services, 'mounted' | 'guard'>,
  { clock, log, settings, registry = JSON_OPTIONS.registry }: MountDeps,
): Pick<Api, 'handle' | 'endpoints'> {
  const { messageBytesMax } = settings;
  const described = services.mounted.map(({ service }) => service);

  const router = createConnectRouter({
    acceptCompression: COMPRESSIONS,
    readMaxBytes: messageBytesMax,
    jsonOptions: { ignoreUnknownFields: false, registry },
    interceptors: [guardInterceptor(services.guard)],
    requestGate: (context) => raiseRefusal(context, services.guard),
  });
  const { mounted, guard } = services;
  const begin = createReception({ clock, log, guard });
  const inJson = new Map<string, UnaryJson>();
  for (const { methods } of mounted) {
    for (const spec of Object.values(methods)) {
      router.rpc(spec.method, spec.impl);
      if (spec.kind !== 'unary') continue;
      const path = `/${spec.method.parent.typeName}/${spec.method.name}`;
      inJson.set(path, unaryJson({ begin, guard, clock, messageBytesMax, registry }, spec));
    }
  }
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));

  const adapter = nodeAdapter({ begin, log, messageBytesMax });
  const { stallMs } = guard;
  const rest = createRest({ begin, guard, clock, mounted, messageBytesMax, stallMs });

  return {
    handle(request, nodeResponse, openEnded) {
      const response = nodeResponse as CallableResponse;
      const path = (request.url ?? '').split('?', 1)[0]!;
      const plain = inJson.get(path);
      if (plain?.takes(request)) {
        plain.serve(request, response);
        return true;
      }
      const handler = handlers.get(path);
      const kind = handler?.method.methodKind;
      if (kind === 'bidi_streaming') openEnded?.();
      if (kind === 'bidi_streaming' || kind === 'client_streaming') endWithAnswer(response);
      if (handler !== undefined) adapter.serve(handler, request, response);
      else if (rest.handle(path, request, response, openEnded)) return true;
      else if (looksLikeRpc(path, request)) {
        const message = unknownRpc(path, described);
        refuse(request, response, { status: 404, code: Code.Unimplemented, message });
      } else return false;
      return true;
    },
    endpoints: [
      ...rest.endpoints,
      ...described.map((service) => `POST /${service.typeName}/{${namesOf(service)}}`),
    ],
  };
}

/** A call that the guard refused, or whose body cannot be read, is refused here, so that Connect says so in the caller's protocol. */
function raiseRefusal(context: HandlerContext, guard: Guard): void {
  const call = context.values.get(callKey);
  if (call?.refusal !== undefined) throw guard.fail(call.refusal, call);
}

/** `/package.Service/Method`, or any path at all if a gRPC client asks for it. */
function looksLikeRpc(path: string, request: NodeRequest): boolean {
  return (
    /^\/[A-Za-z_][\w]*(?:\.\w+)+\/\w+$/.test(path) ||
    /^application\/(?:grpc|connect)/i.test(request.headers['content-type'] ?? '')
  );
}
