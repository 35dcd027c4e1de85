import { create, type JsonObject, toJson } from '@bufbuild/protobuf';
import { type Webhook, WebhookSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { OUTPUT_ONLY } from '../webhook/output-only.ts';
import { OWNER_LABEL } from './owner.ts';

/** What was asked for a webhook, without what the server says of it. */
export function askedOf(webhook: Webhook): Webhook {
  const kept = WebhookSchema.fields.filter(({ name }) => !OUTPUT_ONLY.has(name));
  const entries = kept.map(({ localName }) => [localName, webhook[localName as keyof Webhook]]);
  return create(WebhookSchema, Object.fromEntries(entries));
}

/** The same as JSON, which has no secret: that is input only. */
export function askedJson(webhook: Webhook): JsonObject {
  const { signing: _, ...rest } = toJson(WebhookSchema, askedOf(webhook)) as JsonObject;
  return rest;
}

/** The same as a file has it: without the label of the set it comes from. */
export function declaredJson(webhook: Webhook): JsonObject {
  const { [OWNER_LABEL]: _, ...labels } = webhook.labels;
  return askedJson({ ...webhook, labels });
}
