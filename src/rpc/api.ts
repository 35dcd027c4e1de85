import type { DescMessage, DescMethod, DescService } from '@bufbuild/protobuf';
import {
  Code,
  type ConnectRouterOptions,
  createConnectRouter,
  type HandlerContext,
} from '@connectrpc/connect';
import { codeToString } from '@connectrpc/connect/protocol-connect';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { nodeAdapter } from './adapter.ts';
import { type Call, callKey } from './call.ts';
import { deliveryService } from './delivery-service.ts';
import type { ApiDeps } from './deps.ts';
import { toConnectError } from './errors.ts';
import { FACES, FACES_PATH, httpFaces } from './faces.ts';
import { type FileIndex, indexFiles } from './file-index.ts';
import { createHealthBoard, healthService, type Serving } from './health.ts';
import { COMPRESSIONS } from './intake.ts';
import { guard } from './interceptor.ts';
import type { CallableResponse, NodeRequest, NodeResponse } from './node.ts';
import { reflectionAlphaService, reflectionService } from './reflection.ts';
import { lazyRules } from './validate.ts';
import { webhookService } from './webhook-service.ts';
import { refuse } from './wire.ts';

/** The API, without a listener: whoever has one gives it the requests. */
export interface Api {
  /**
   * Answers a request, of HTTP/1.1 or HTTP/2, if its path is one of ours or looks like an RPC.
   * Returns whether it does; if not, nothing was read or written.
   */
  handle(request: NodeRequest, response: NodeResponse): boolean;
  /** What grpc.health.v1 says. NOT_SERVING until told otherwise. */
  readonly health: ApiHealth;
  /** What there is to call, a line each, for whoever looks in the wrong place. */
  readonly endpoints: readonly string[];
  /** Loads what the first call would wait for. To be called once it is listened to: it takes a while. */
  load(): Promise<void>;
}

export interface ApiHealth {
  /** All services serve. */
  serve(): void;
  /** None does any more, and streams that would never end are ended. */
  stop(): void;
  /** Sets one service by its full name; `''` is the server as a whole. */
  set(status: Serving, service: string): void;
}

const SERVICES: readonly DescService[] = [
  WebhookService,
  DeliveryService,
  Health,
  ServerReflection,
  ServerReflectionAlpha,
];

export function createApi(deps: ApiDeps): Api {
  const { clock, random, log, settings } = deps;
  const { messageBytesMax } = settings;
  const rules = lazyRules();
  const ending = new AbortController();
  const board = createHealthBoard(SERVICES.map((service) => service.typeName));

  const report = (reason: unknown, call: Call | undefined): string => {
    const errorId = Buffer.from(random.bytes(8)).toString('hex');
    if (call) call.errorId = errorId;
    log.error({ errorId, rpc: call?.method, err: reason }, 'an RPC failed for a reason nobody foresaw');
    return errorId;
  };
  const selfChecking = new Set<DescMethod>([
    WebhookService.method.register,
    WebhookService.method.update,
    WebhookService.method.previewSchedule,
  ]);
  const options: ConnectRouterOptions = {
    acceptCompression: COMPRESSIONS,
    readMaxBytes: messageBytesMax,
    jsonOptions: { ignoreUnknownFields: false },
    interceptors: [guard({ rules, selfChecking, report })],
    requestGate: (context) => raiseRefusal(context, report),
  };

  let files: FileIndex | undefined;
  const fileIndex = () => {
    // No service imports the details of errors, but grpcurl asks for them when it shows one.
    files ??= indexFiles(SERVICES, [file_google_rpc_error_details]);
    return files;
  };
  const router = createConnectRouter(options)
    .service(WebhookService, webhookService({ ...deps, rules }))
    .service(DeliveryService, deliveryService(deps))
    .service(Health, healthService(board, ending.signal))
    .service(ServerReflection, reflectionService(fileIndex, ending.signal))
    .service(ServerReflectionAlpha, reflectionAlphaService(fileIndex, ending.signal));
  const handlers = new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
  const byMethod = new Map(router.handlers.map((handler) => [handler.method, handler]));

  const adapter = nodeAdapter({ clock, log, messageBytesMax });
  const faces = httpFaces({ adapter, messageBytesMax, handlerOf: (method) => byMethod.get(method)! });

  return {
    handle(request, nodeResponse) {
      const response = nodeResponse as CallableResponse;
      const path = (request.url ?? '').split('?', 1)[0]!;
      const handler = handlers.get(path);
      if (handler !== undefined) adapter.serve(handler, request, response);
      else if (path === FACES_PATH || path.startsWith(`${FACES_PATH}/`)) faces(path, request, response);
      else if (looksLikeRpc(path, request)) refuseUnknown(path, request, response);
      else return false;
      return true;
    },
    health: {
      serve: () => board.set('SERVING'),
      stop() {
        board.set('NOT_SERVING');
        ending.abort();
      },
      set: (status, service) => board.set(status, service),
    },
    endpoints: [...FACES, ...SERVICES.map((service) => `POST /${service.typeName}/{${namesOf(service)}}`)],
    load: () => rules.load(inputsOf(SERVICES)),
  };
}

/** What was found wrong while the body was read is raised here, so that Connect puts it in the caller's protocol. */
function raiseRefusal(context: HandlerContext, report: (reason: unknown, call: Call) => string): void {
  const call = context.values.get(callKey);
  if (call?.refusal === undefined) return;
  const error = toConnectError(call.refusal, {
    hiddenPath: call.hiddenPath,
    report: (reason) => report(reason, call),
  });
  call.code = codeToString(error.code);
  throw error;
}

/** `/package.Service/Method`, or any path at all if a gRPC client asks for it. */
function looksLikeRpc(path: string, request: NodeRequest): boolean {
  return (
    /^\/[A-Za-z_][\w]*(?:\.\w+)+\/\w+$/.test(path) ||
    /^application\/(?:grpc|connect)/i.test(request.headers['content-type'] ?? '')
  );
}

function refuseUnknown(path: string, request: NodeRequest, response: CallableResponse): void {
  const [, serviceName = ''] = path.split('/');
  const service = SERVICES.find(({ typeName }) => typeName === serviceName);
  const message = service
    ? `${service.typeName} has ${namesOf(service)}, and no other methods`
    : `there is no such RPC; the services are ${SERVICES.map(({ typeName }) => typeName).join(', ')}`;
  refuse(request, response, { status: 404, code: Code.Unimplemented, message });
}

function inputsOf(services: readonly DescService[]): DescMessage[] {
  return services.flatMap(({ methods }) =>
    methods.filter((method) => method.methodKind === 'unary').map(({ input }) => input),
  );
}

function namesOf(service: DescService): string {
  return service.methods.map(({ name }) => name).join(', ');
}
