import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { AdminService } from '../../gen/carillon/v1/admin_pb.ts';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { Health } from '../../gen/grpc/health/v1/health_pb.ts';
import { ServerReflection } from '../../gen/grpc/reflection/v1/reflection_pb.ts';
import { ServerReflection as ServerReflectionAlpha } from '../../gen/grpc/reflection/v1alpha/reflection_pb.ts';
import type { Role } from '../domain/access/role.ts';

/** What a caller needs to call a method: a role, or nothing at all. */
export type Access = Role | 'OPEN';

/**
 * What each method needs. The type asks for every method of a service, so that one that is added without a role does
 * not compile; a service that is mounted and not listed keeps the server from starting.
 */
const TABLE: ReadonlyMap<DescMethod, Access> = new Map([
  ...declared(WebhookService, {
    register: 'MANAGE',
    batchRegister: 'MANAGE',
    get: 'READ',
    batchGet: 'READ',
    list: 'READ',
    update: 'MANAGE',
    remove: 'MANAGE',
    pause: 'MANAGE',
    resume: 'MANAGE',
    // Whoever may publish may make webhooks ring.
    trigger: 'PUBLISH',
    backfill: 'MANAGE',
    rotateSecret: 'MANAGE',
    withdrawSecret: 'MANAGE',
    previewSchedule: 'READ',
  }),
  ...declared(EventService, {
    publish: 'PUBLISH',
    publishBatch: 'PUBLISH',
    publishStream: 'PUBLISH',
    getEvent: 'READ',
    listEvents: 'READ',
    replayEvents: 'MANAGE',
    purgeEvent: 'MANAGE',
  }),
  ...declared(DeliveryService, {
    listDeliveries: 'READ',
    getDelivery: 'READ',
    watchDeliveries: 'READ',
    retryDelivery: 'MANAGE',
    retryDeliveries: 'MANAGE',
    cancelDelivery: 'MANAGE',
    cancelDeliveries: 'MANAGE',
  }),
  ...declared(AdminService, {
    createApiKey: 'ADMIN',
    listApiKeys: 'ADMIN',
    revokeApiKey: 'ADMIN',
    createNamespace: 'ADMIN',
    getNamespace: 'READ',
    listNamespaces: 'ADMIN',
    updateNamespace: 'ADMIN',
    suspendNamespace: 'ADMIN',
    resumeNamespace: 'ADMIN',
    deleteNamespace: 'ADMIN',
    rotateSealKey: 'ADMIN',
    getSealKeyRotation: 'ADMIN',
    getStandby: 'READ',
    takeOver: 'ADMIN',
    listAuditEntries: 'ADMIN',
  }),
  // Probes have no keys, and learn only whether the server is well.
  ...declared(Health, { check: 'OPEN', list: 'OPEN', watch: 'OPEN' }),
  // What it tells is no secret, but who has no key has nothing to call.
  ...declared(ServerReflection, { serverReflectionInfo: 'READ' }),
  ...declared(ServerReflectionAlpha, { serverReflectionInfo: 'READ' }),
]);

/** What a method needs. Raises for one that is not listed, which is a mistake of the program. */
export function accessTo(method: DescMethod): Access {
  const access = TABLE.get(method);
  if (access === undefined)
    throw new Error(`no role is declared for ${method.parent.typeName}/${method.name}`);
  return access;
}

function declared<Service extends DescService>(
  { method }: Service,
  table: Readonly<Record<keyof Service['method'], Access>>,
): [DescMethod, Access][] {
  return Object.entries<Access>(table).map(([name, access]) => [method[name]!, access]);
}
