import type { DescMessage, DescMethod, DescService } from '@bufbuild/protobuf';
import { createServiceImplSpec, type ServiceImpl, type ServiceImplSpec } from '@connectrpc/connect';
import { AdminService } from '../../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { file_google_rpc_error_details } from '../../gen/google/rpc/error_details_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import { adminService } from './admin/service.ts';
import { deliveryService } from './delivery/service.ts';
import type { ApiDeps } from './deps.ts';
import { eventService } from './event/service.ts';
import { type FileIndex, indexFiles } from './grpc/file-index.ts';
import { createHealthBoard, healthService, READYZ, SENDING, type Serving } from './grpc/health.ts';
import { reflectionService } from './grpc/reflection.ts';
import { lazyRules } from './proto-rules.ts';
import { accessTo } from './roles.ts';
import { createAuditing } from './transport/audited.ts';
import type { Call } from './transport/call.ts';
import { createGuard, type Guard, type GuardDeps } from './transport/guard.ts';
import { createInflow, type Inflow } from './transport/inflow.ts';
import { doneOnce, type OnceOptions } from './transport/once.ts';
import { createOutbox, type Outbox } from './transport/outbox.ts';
import { whileLetIn } from './transport/while-let-in.ts';
import { webhookService } from './webhook/service.ts';

/** Everything there is to call and what stands around it, made once and mounted on every port. */
export interface Services {
  readonly mounted: readonly ServiceImplSpec[];
  readonly guard: Guard;
  /** Answers that are made, or not taken yet. */
  readonly outbox: Outbox;
  /** Requests in work. */
  readonly inflow: Inflow;
  /** What grpc.health.v1 says. NOT_SERVING until told otherwise. */
  readonly health: ServicesHealth;
  /** Loads what the first call would wait for: it takes a while, and lets others run in between. */
  load(): Promise<void>;
}

export interface ServicesHealth {
  /** All services are SERVING. */
  serve(): void;
  /** All are NOT_SERVING, until `serve`: the store is in trouble. */
  pause(): void;
  /** All are NOT_SERVING until the end, and streams that would never end are ended. */
  stop(): void;
  /** Whether the server is on standby: `carillon.sending` is NOT_SERVING meanwhile, and all others are as they are. */
  standBy(isOnStandby: boolean): void;
  /** Sets one service by its full name; `''` is the server as a whole. */
  set(status: Serving, service: string): void;
  /** Whether calls are served now: the store answers, and nobody has asked the server to stop. */
  isReady(): boolean;
}

/** What handlers check the rules of themselves, to report them together with what else is wrong. */
const SELF_CHECKING: GuardDeps['selfChecking'] = new Set<DescMethod>([
  WebhookService.method.register,
  WebhookService.method.batchRegister,
  WebhookService.method.update,
  WebhookService.method.previewSchedule,
  EventService.method.publish,
  EventService.method.publishBatch,
  EventService.method.publishStream,
]);

/** Methods that are not idempotent, and whose handlers heed the claim of a call with a request_id: see `claimOf`. */
const HEEDING: OnceOptions['heeding'] = new Set<DescMethod>([
  WebhookService.method.trigger,
  WebhookService.method.rotateSecret,
  EventService.method.publish,
  EventService.method.publishBatch,
  EventService.method.replayEvents,
  DeliveryService.method.retryDelivery,
  DeliveryService.method.retryDeliveries,
]);

export function createServices(deps: ApiDeps): Services {
  const { control, random, log, settings } = deps;
  const { stallMs } = settings;
  const rules = lazyRules();
  const outbox = createOutbox(deps.clock, settings.outbox);
  const inflow = createInflow(settings.inflow);
  const ending = new AbortController();
  const described: readonly DescService[] = [
    WebhookService,
    EventService,
    DeliveryService,
    AdminService,
    Health,
    ServerReflection,
    ServerReflectionAlpha,
  ];
  const auditing = createAuditing({ audit: control.audit, log });
  const board = createHealthBoard([...described.map((service) => service.typeName), SENDING]);

  const wrapped = ({ service, methods }: ServiceImplSpec): ServiceImplSpec => ({
    service,
    methods: Object.fromEntries(
      Object.entries(methods).map(([name, spec]) => [
        name,
        whileLetIn(doneOnce(auditing.audited(spec), { once: control.once, heeding: HEEDING }), deps.door),
      ]),
    ),
  });
  const report = (reason: unknown, call: Call | undefined): string => {
    const errorId = Buffer.from(random.bytes(8)).toString('hex');
    if (call) call.errorId = errorId;
    log.error({ errorId, rpc: call?.method, err: reason }, 'an RPC failed for a reason nobody foresaw');
    return errorId;
  };
  let files: FileIndex | undefined;
  const fileIndex = () => {
    // No service imports the details of errors, but grpcurl asks for them when it shows one.
    files ??= indexFiles(described, [file_google_rpc_error_details]);
    return files;
  };

  return {
    mounted: [
      wrapped(mount(WebhookService, webhookService({ control, rules }))),
      wrapped(mount(EventService, eventService({ ...deps, shutdown: ending.signal }))),
      wrapped(mount(DeliveryService, deliveryService({ control }))),
      wrapped(mount(AdminService, adminService(deps))),
      mount(Health, healthService(board, ending.signal, settings.about)),
      mount(ServerReflection, reflectionService(fileIndex, ending.signal)),
      mount(ServerReflectionAlpha, reflectionService(fileIndex, ending.signal)),
    ],
    outbox,
    inflow,
    guard: createGuard({
      rules,
      outbox,
      inflow,
      selfChecking: SELF_CHECKING,
      checkNamespace: control.namespaces.checkIsThere,
      accessTo,
      door: deps.door,
      policy: settings,
      refused: auditing.refused,
      report,
      ...(stallMs !== undefined && { stallMs }),
    }),
    health: {
      serve: () => board.set('SERVING'),
      pause: () => board.set('NOT_SERVING'),
      stop() {
        board.set('NOT_SERVING');
        ending.abort();
        control.stop();
      },
      standBy: (isOnStandby) => board.hold(SENDING, isOnStandby),
      set: (status, service) => board.set(status, service),
      isReady: () => board.get(READYZ) === 'SERVING',
    },
    load: () => rules.load(inputsOf(described)),
  };
}

/** Checks an implementation against its service, and forgets which service it was. */
function mount<T extends DescService>(
  service: T,
  implementation: NoInfer<Partial<ServiceImpl<T>>>,
): ServiceImplSpec {
  return createServiceImplSpec<T>(service, implementation);
}

function inputsOf(services: readonly DescService[]): DescMessage[] {
  return services.flatMap(({ methods }) => methods.map(({ input }) => input));
}
