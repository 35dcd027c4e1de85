import { create, type JsonObject, toJson } from '@bufbuild/protobuf';
import { SecretValueSchema } from '../../../../gen/carillon/v1/credentials_pb.ts';
import { type Webhook, WebhookSchema } from '../../../../gen/carillon/v1/webhook_pb.ts';
import { headersApart } from '../../../domain/webhook/secret-headers.ts';
import { OUTPUT_ONLY } from '../webhook/output-only.ts';
import { OWNER_LABEL } from './owner.ts';
import { secretIn, secretTexts, withAuthText, withTlsText } from './secrets.ts';

/** What was asked for a webhook, without what the server says of it. */
export function askedOf(webhook: Webhook): Webhook {
  const kept = WebhookSchema.fields.filter(({ name }) => !OUTPUT_ONLY.has(name));
  const entries = kept.map(({ localName }) => [localName, webhook[localName as keyof Webhook]]);
  return create(WebhookSchema, Object.fromEntries(entries));
}

/** The same as JSON, which has no secret: that is input only, and of secret headers there is what is known of them. */
export function askedJson(webhook: Webhook): JsonObject {
  const { plain, secret } = headersApart(webhook.headers);
  const given = Object.keys(secret).map((name) => [name, create(SecretValueSchema)] as const);
  const asked = askedOf({ ...webhook, headers: plain, secretHeaders: {} });
  const { signing: _, ...rest } = toJson(WebhookSchema, asked) as JsonObject;
  const secretHeaders = secretTexts({ ...webhook.secretHeaders, ...Object.fromEntries(given) });
  return {
    ...withTlsText(withAuthText(rest)),
    ...(Object.keys(secretHeaders).length > 0 && { secretHeaders }),
  };
}

/** The same as a file has it: without the label of the set it comes from, and secret headers by their names alone. */
export function declaredJson(webhook: Webhook): JsonObject {
  const { [OWNER_LABEL]: _, ...labels } = webhook.labels;
  const { secretHeaders = {}, auth = {}, tls, ...json } = askedJson({ ...webhook, labels });
  const names = Object.keys(secretHeaders as JsonObject);
  const [method] = Object.entries(auth as JsonObject) as [string, JsonObject][];
  return {
    ...json,
    ...(names.length > 0 && { secretHeaders: Object.fromEntries(names.map((name) => [name, {}])) }),
    ...(method !== undefined && { auth: { [method[0]]: { ...method[1], [secretIn(method[0])]: {} } } }),
    ...(tls !== undefined && { tls: withoutKey(tls as JsonObject) }),
  };
}

function withoutKey({ privateKey, ...tls }: JsonObject): JsonObject {
  return { ...tls, ...(privateKey !== undefined && { privateKey: {} }) };
}
