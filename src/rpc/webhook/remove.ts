import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type RemoveRequest,
  type RemoveResponse,
  RemoveResponseSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import type { Removal } from '../../control/remove.ts';
import { invalidRequest } from '../../domain/error.ts';
import type { HandlerDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';

/** WebhookService.Remove. */
export function removeHandler({ control }: HandlerDeps) {
  return async (request: RemoveRequest, { signal }: HandlerContext): Promise<RemoveResponse> =>
    create(RemoveResponseSchema, { ids: await control.webhooks.remove(removalFrom(request), signal) });
}

function removalFrom({ id, name, destination, etag, ...request }: RemoveRequest): Removal {
  const namespace = theNamespace(request.namespace);
  if (id !== '') return { namespace, id, etag };
  if (destination !== '') return { namespace, name, destination, etag };
  if (etag !== '') {
    const description = 'goes with an id, or with a name and a destination, since it is of one webhook';
    throw invalidRequest([{ field: 'etag', description }]);
  }
  return { namespace, name };
}
