import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type RemoveRequest,
  type RemoveResponse,
  RemoveResponseSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import type { Removal } from '../../control/remove.ts';
import type { Principal } from '../../domain/access/principal.ts';
import { invalidRequest } from '../../domain/error.ts';
import type { Condition } from '../../domain/listing/condition.ts';
import { WEBHOOK_FIELDS } from '../../domain/listing/fields.ts';
import { readFilter } from '../../domain/listing/filter.ts';
import type { HandlerDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { principalOf } from '../transport/principal.ts';

/** WebhookService.Remove. */
export function removeHandler({ control }: HandlerDeps) {
  return async (request: RemoveRequest, context: HandlerContext): Promise<RemoveResponse> => {
    return create(RemoveResponseSchema, {
      ids: await control.webhooks.remove(removalFrom(request, principalOf(context)), context.signal),
    });
  };
}

function removalFrom(request: RemoveRequest, principal: Principal): Removal {
  const { id, name, destination, etag, filter, force, validateOnly } = request;
  const namespace = theNamespace(request.namespace, principal);
  if (id !== '') return { namespace, id, etag, validateOnly };
  if (destination !== '') return { namespace, name, destination, etag, validateOnly };
  if (etag !== '') {
    const description = 'goes with an id, or with a name and a destination, since it is of one webhook';
    throw invalidRequest([{ field: 'etag', description }]);
  }
  const where = name === '' ? readFilter(filter, WEBHOOK_FIELDS) : named(name);
  const described = name === '' ? `with ${filter}` : name;
  return { namespace, where, described, force, validateOnly };
}

function named(name: string): Condition {
  return { kind: 'test', field: 'name', not: false, is: { kind: 'oneOf', values: [name] } };
}
