import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type BatchGetRequest,
  type BatchGetResponse,
  BatchGetResponseSchema,
  type BatchRegisterRequest,
  type BatchRegisterResponse,
  BatchRegisterResponseSchema,
  type RegisterRequest,
  type RegisterResult,
  RegisterResultSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import type { Principal } from '../../domain/access/principal.ts';
import { type Claim, claimAt } from '../../domain/claim.ts';
import { DomainError, invalidRequest } from '../../domain/error.ts';
import type { Webhook } from '../../domain/webhook/webhook.ts';
import type { HandlerDeps } from '../deps.ts';
import { itemError } from '../item-error.ts';
import { faultOf } from '../item-fault.ts';
import { theNamespace } from '../namespace.ts';
import { note } from '../transport/call.ts';
import { claimOf } from '../transport/once.ts';
import { principalOf } from '../transport/principal.ts';
import { register } from './register.ts';
import { viewOf } from './view.ts';
import { wireBytesOf } from './wire-bytes.ts';

/** As the proto file says. */
const BATCH_MAX = 100;
/** gRPC clients refuse messages above 4 MiB. What a webhook takes is known about, so some room is left. */
const ANSWER_BYTES = 3 * 1024 * 1024;
/** Webhooks read at a time, since each may hold a payload of 1 MiB. */
const READ_MAX = 10;

/** WebhookService.BatchRegister. The rules of each registration are its own, see `register`. */
export function batchRegisterHandler(deps: HandlerDeps) {
  return async (request: BatchRegisterRequest, context: HandlerContext): Promise<BatchRegisterResponse> => {
    const { length } = request.requests;
    if (length === 0 || length > BATCH_MAX) {
      const description = `has ${length} items: give 1 to ${BATCH_MAX}`;
      throw invalidRequest([{ field: 'requests', description }]);
    }
    const results: RegisterResult[] = [];
    // One after the other, so that of two that are about one webhook the later is done later.
    const claim = claimOf(context);
    const principal = principalOf(context);
    for (const [place, each] of request.requests.entries()) {
      context.signal.throwIfAborted();
      results.push(await registerOne(deps, each, principal, claim && claimAt(place, claim)));
    }
    const refused = results.filter(({ result }) => result.case === 'error').length;
    note(context, { webhooks: length, refused });
    return create(BatchRegisterResponseSchema, { results });
  };
}

/** Raises EXHAUSTED and UNAVAILABLE: they are not about this one, and what is still to come would fare no better. */
async function registerOne(
  deps: HandlerDeps,
  request: RegisterRequest,
  principal: Principal,
  claim: Claim | undefined,
): Promise<RegisterResult> {
  try {
    const fault = faultOf(request);
    if (fault !== undefined) throw fault;
    if (request.requestId !== '') {
      const description =
        'names a call, and this is a registration among others: give the batch a request_id';
      throw invalidRequest([{ field: 'request_id', description }]);
    }
    const { response } = await register(deps, request, principal, claim);
    return create(RegisterResultSchema, { result: { case: 'response', value: response } });
  } catch (reason) {
    if (!(reason instanceof DomainError) || reason.code === 'EXHAUSTED' || reason.code === 'UNAVAILABLE') {
      throw reason;
    }
    return create(RegisterResultSchema, { result: { case: 'error', value: itemError(reason) } });
  }
}

/** WebhookService.BatchGet. */
export function batchGetHandler({ control }: HandlerDeps) {
  return async (request: BatchGetRequest, context: HandlerContext): Promise<BatchGetResponse> => {
    const { ids, view } = request;
    const namespace = theNamespace(request.namespace, principalOf(context));
    const webhooks: Webhook[] = [];
    let bytes = 0;
    for (let i = 0; i < ids.length; i += READ_MAX) {
      context.signal.throwIfAborted();
      const names = ids.slice(i, i + READ_MAX).map((id) => ({ namespace, id }));
      const found = await control.webhooks.getMany(names);
      for (const webhook of found) bytes += wireBytesOf(webhook);
      if (bytes > ANSWER_BYTES) throw tooLarge(webhooks.length);
      webhooks.push(...found);
    }
    return create(BatchGetResponseSchema, { webhooks: await viewOf(control, view, webhooks) });
  };
}

function tooLarge(fitting: number): DomainError {
  return new DomainError(
    'ANSWER_TOO_LARGE',
    `these webhooks are larger together than an answer may be; ask for fewer at a time, such as the first ${Math.max(1, fitting)}`,
    { metadata: { max: Math.max(1, fitting) } },
  );
}
