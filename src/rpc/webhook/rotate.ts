import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type RotateSecretRequest,
  type RotateSecretResponse,
  RotateSecretResponseSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { noProblems } from '../../domain/problems.ts';
import { formatSecret, parseSecret } from '../../domain/webhook/secret.ts';
import { fromDuration } from '../convert/time.ts';
import { webhookTo } from '../convert/webhook.ts';
import type { HandlerDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { claimOf } from '../transport/once.ts';
import { principalOf } from '../transport/principal.ts';

/** WebhookService.RotateSecret. */
export function rotateSecretHandler({ control }: HandlerDeps) {
  return async (request: RotateSecretRequest, context: HandlerContext): Promise<RotateSecretResponse> => {
    const { id, etag } = request;
    const problems = noProblems();
    const given =
      request.secret === '' ? undefined : problems.attempt(() => parseSecret(request.secret, 'secret'));
    const overlapMs = request.overlap && fromDuration(request.overlap, 'overlap', problems);
    problems.raise();
    const target = { id, namespace: theNamespace(request.namespace, principalOf(context)), etag };
    const rotation = { secret: given, overlapMs, claim: claimOf(context) };
    const { webhook, secret } = await control.webhooks.rotateSecret(target, rotation);
    return create(RotateSecretResponseSchema, {
      webhook: webhookTo(webhook),
      ...(secret !== undefined && { secret: formatSecret(secret) }),
    });
  };
}
