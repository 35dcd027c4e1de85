import type { DescMethod, DescMethodUnary } from '@bufbuild/protobuf';
import type { ConnectError } from '@connectrpc/connect';
import { DeliveryService } from '../../gen/carillon/v1/delivery_pb.ts';
import { EventService } from '../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../gen/carillon/v1/webhook_pb.ts';
import { BadRequestSchema } from '../../gen/google/rpc/error_details_pb.ts';
import { Refusal } from '../support/call.ts';

/** The method of `WebhookService/Register`, say. */
export function methodOf(rpc: string): DescMethodUnary {
  const [service, name] = rpc.split('/');
  const methods: readonly DescMethod[] = [
    ...WebhookService.methods,
    ...EventService.methods,
    ...DeliveryService.methods,
  ];
  const found = methods.find((method) => method.parent.name === service && method.name === name);
  if (found === undefined || !isUnary(found)) throw new Error(`there is no unary method ${rpc}`);
  return found;
}

function isUnary(method: DescMethod): method is DescMethodUnary {
  return method.methodKind === 'unary';
}

export function refusalOf(error: ConnectError): Refusal {
  const bad = error.findDetails(BadRequestSchema).flatMap(({ fieldViolations }) => fieldViolations);
  return new Refusal(
    error.code,
    error.rawMessage,
    bad.map(({ field }) => field),
  );
}
