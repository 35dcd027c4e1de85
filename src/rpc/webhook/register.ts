import { create } from '@bufbuild/protobuf';
import type { HandlerContext } from '@connectrpc/connect';
import {
  type RegisterRequest,
  RegisterRequestSchema,
  type RegisterResponse,
  RegisterResponseSchema,
  WebhookSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import type { Registration } from '../../control/register.ts';
import type { Principal } from '../../domain/access/principal.ts';
import type { Claim } from '../../domain/claim.ts';
import { noProblems, type Problems, violationsOf } from '../../domain/problems.ts';
import { formatSecret, parseSecret } from '../../domain/webhook/secret.ts';
import { credentialsFrom, specFrom, webhookTo } from '../convert/webhook.ts';
import type { HandlerDeps } from '../deps.ts';
import { clearOutputOnly } from '../field-behavior.ts';
import { theNamespace } from '../namespace.ts';
import { note } from '../transport/call.ts';
import { claimOf } from '../transport/once.ts';
import { principalOf } from '../transport/principal.ts';
import { noteRuleViolations } from './rule-violations.ts';

/** WebhookService.Register. */
export function registerHandler(deps: HandlerDeps) {
  return async (request: RegisterRequest, context: HandlerContext): Promise<RegisterResponse> => {
    const { response, id } = await register(deps, request, principalOf(context), claimOf(context));
    note(context, { webhookId: id });
    return response;
  };
}

/** Does what a request asks for. The id is empty when there is no such webhook. */
export async function register(
  { control, rules }: HandlerDeps,
  request: RegisterRequest,
  principal: Principal,
  claim?: Claim,
): Promise<{ response: RegisterResponse; id: string }> {
  const problems = noProblems();
  if (request.webhook !== undefined) clearOutputOnly(WebhookSchema, request.webhook);
  noteRuleViolations(await rules.violationsOf(RegisterRequestSchema, request), 'webhook', problems);
  const asked = registrationFrom(request, principal, problems);
  const order = claim ? { ...asked, claim } : asked;
  const { webhook, created, secret } = await control.webhooks.register(order, problems.under('webhook'));
  const message = webhookTo(webhook);
  // A registration that did not take place has neither a uid nor an etag yet.
  const hypothetical = created && request.validateOnly;
  const response = create(RegisterResponseSchema, {
    webhook: hypothetical
      ? { ...message, id: webhook.callerId ?? '', uid: '', etag: '', signingSecrets: [] }
      : message,
    ...(secret !== undefined && { secret: formatSecret(secret) }),
    created,
  });
  return { response, id: hypothetical ? '' : webhook.id };
}

/**
 * Raises INVALID when there is no webhook in the request, and PERMISSION_DENIED for a namespace that is not the
 * caller's.
 */
function registrationFrom(
  { webhook, validateOnly }: RegisterRequest,
  principal: Principal,
  problems: Problems,
): Registration {
  if (webhook === undefined) {
    problems.add('webhook', 'is required');
    problems.raise();
    throw new Error('unreachable');
  }
  const inside = problems.under('webhook');
  const namespace = theNamespace(webhook.namespace, principal);
  const spec = specFrom(webhook, inside);
  const secret = secretFrom(webhook.signing?.secret ?? '', problems);
  const { id, etag, compatibilitySignature } = webhook;
  return {
    namespace,
    ...(id !== '' && { id, etag }),
    spec,
    credentials: credentialsFrom(webhook, inside),
    validateOnly,
    ...(secret !== undefined && { secret }),
    compatibilitySecret: compatibilitySignature?.secret || undefined,
  };
}

function secretFrom(text: string, problems: Problems): Uint8Array | undefined {
  if (text === '') return undefined;
  let bytes: Uint8Array | undefined;
  const violations = violationsOf(() => {
    bytes = parseSecret(text, 'webhook.signing.secret');
  });
  problems.addAll(violations);
  return bytes;
}
