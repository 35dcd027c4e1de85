import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type UpdateRequest,
  type UpdateResponse,
  UpdateResponseSchema,
  WebhookSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { invalidRequest } from '../../domain/error.ts';
import { noProblems } from '../../domain/problems.ts';
import { basicTo, credentialsFrom, specFrom, webhookTo } from '../convert/webhook.ts';
import type { HandlerDeps } from '../deps.ts';
import { theNamespace } from '../namespace.ts';
import { principalOf } from '../transport/principal.ts';
import { applyMask, readMask } from './mask.ts';
import { noteRuleViolations } from './rule-violations.ts';

/** WebhookService.Update: changes the masked fields, and judges no others. */
export function updateHandler({ control, rules }: HandlerDeps) {
  return async (request: UpdateRequest, context: HandlerContext): Promise<UpdateResponse> => {
    const { webhook: patch, updateMask } = request;
    if (patch === undefined) throw invalidRequest([{ field: 'webhook', description: 'is required' }]);
    const problems = noProblems();
    const namespace = theNamespace(patch.namespace, principalOf(context));
    if (patch.id === '') problems.add('webhook.id', 'must not be empty');
    if (patch.signing !== undefined) {
      problems.add(
        'webhook.signing',
        'cannot be changed by Update; call RotateSecret, which lets the secret before go on signing for a while',
      );
    }
    // Of two that differ in their case alone it is told here.
    credentialsFrom(patch, problems.under('webhook'));
    problems.raise();
    patch.secretHeaders = lowerCased(patch.secretHeaders);
    const mask = readMask(updateMask, patch);

    const target = { id: patch.id, namespace, etag: patch.etag };
    const webhook = await control.webhooks.update(target, async (found) => {
      const merged = applyMask(basicTo(found), patch, mask);
      const inside = noProblems().under('webhook');
      noteRuleViolations(await rules.violationsOf(WebhookSchema, merged), '', inside);
      const credentials = credentialsFrom(merged, inside);
      const compatibilitySecret = merged.compatibilitySignature?.secret || undefined;
      const spec = specFrom(merged, inside);
      return { spec, credentials, compatibilitySecret, touched: mask.touched, problems: inside };
    });
    return create(UpdateResponseSchema, { webhook: webhookTo(webhook) });
  };
}

function lowerCased<T>(map: Readonly<Record<string, T>>): Record<string, T> {
  return Object.fromEntries(Object.entries(map).map(([name, value]) => [name.toLowerCase(), value]));
}
