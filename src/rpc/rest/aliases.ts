import { create, type DescMethod } from '@bufbuild/protobuf';
import { EventService } from '../../../gen/carillon/v1/event_pb.ts';
import { WebhookService } from '../../../gen/carillon/v1/webhook_pb.ts';
import { type HttpRule, HttpRuleSchema } from '../../../gen/google/api/http_pb.ts';
import { aliasFace, type Face, type Present } from './face.ts';

/** A path without a version, for people and scripts that want a short one. */
export interface Alias {
  readonly method: DescMethod;
  readonly rule: HttpRule;
  readonly face: Face;
}

const asItIs: Present = (body) => ({ status: 200, body });
const onlyWebhook: Present = ({ webhook }) => ({ status: 200, body: isObject(webhook) ? webhook : {} });
const onlyEvent: Present = ({ event }) => ({ status: 200, body: isObject(event) ? event : {} });

const registered: Present = (body) => {
  const id = isObject(body.webhook) ? body.webhook.id : undefined;
  if (typeof id !== 'string') return { status: 200, body };
  return { status: body.created === true ? 201 : 200, body, location: `/webhooks/${id}` };
};

const published: Present = ({ id = '', deliveryCount = 0, duplicate = false }) => ({
  status: duplicate ? 200 : 201,
  body: { id, deliveryCount, duplicate },
  location: `/events/${String(id)}`,
});

/** The older paths, which answer a little more than REST does, and errors as the Connect protocol has them. */
export const ALIASES: readonly Alias[] = [
  alias(WebhookService.method.list, 'get', '/webhooks', asItIs),
  alias(WebhookService.method.register, 'post', '/webhooks', registered, 'webhook'),
  alias(WebhookService.method.get, 'get', '/webhooks/{id}', onlyWebhook),
  alias(WebhookService.method.remove, 'delete', '/webhooks/{id}', asItIs),
  alias(EventService.method.listEvents, 'get', '/events', asItIs),
  alias(EventService.method.publish, 'post', '/events', published, 'event'),
  alias(EventService.method.getEvent, 'get', '/events/{id}', onlyEvent),
];

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function alias(
  method: DescMethod,
  verb: 'get' | 'post' | 'delete',
  path: string,
  present: Present,
  body = '',
): Alias {
  const rule = create(HttpRuleSchema, { pattern: { case: verb, value: path }, body });
  return { method, rule, face: aliasFace(present) };
}

function isObject<T>(value: T): value is Extract<T, Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
