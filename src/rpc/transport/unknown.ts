import type { DescService } from '@bufbuild/protobuf';
import type { Metadata } from '../error-info.ts';

/** The message for a caller of a service or method that does not exist: it names those that do. */
export function unknownRpc(path: string, services: readonly DescService[]): string {
  const [, serviceName = ''] = path.split('/');
  const service = services.find(({ typeName }) => typeName === serviceName);
  return service
    ? `${service.typeName} has ${namesOf(service)}, and no other methods`
    : `there is no such RPC; the services are ${services.map(({ typeName }) => typeName).join(', ')}`;
}

/** What it asked for, for programs. */
export function unknownRpcMetadata(path: string): Metadata {
  const [, service = '', method = ''] = path.split('/');
  return { service, method };
}

/** The methods of a service, for people. */
export function namesOf(service: DescService): string {
  return service.methods.map(({ name }) => name).join(', ');
}
