import { create } from '@bufbuild/protobuf';
import {
  RetryPolicy_ClientErrors as ClientErrors,
  Payload_EventFormat as EventFormatMessage,
  type Limits as LimitsMessage,
  type Payload as PayloadMessage,
  type RetryPolicy as RetryPolicyMessage,
  Webhook_State as State,
  type Webhook as WebhookMessage,
  WebhookSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import type { RetryPolicy } from '../../domain/delivery/retry-policy.ts';
import { join, type Problems } from '../../domain/problems.ts';
import type { Schedule } from '../../domain/schedule/schedule.ts';
import { DEFAULTS } from '../../domain/webhook/defaults.ts';
import { etagOf } from '../../domain/webhook/etag.ts';
import type { EventFormat, Payload } from '../../domain/webhook/payload.ts';
import type { Limits, Webhook, WebhookSpec } from '../../domain/webhook/webhook.ts';
import { enumPair } from './enum-pair.ts';
import { scheduleFrom, scheduleTo } from './schedule.ts';
import { fromDuration, toDuration, toTimestamp } from './time.ts';

export const STATES = enumPair({ ACTIVE: State.ACTIVE, PAUSED: State.PAUSED, DISABLED: State.DISABLED });
const EVENT_FORMATS = enumPair<EventFormatMessage, EventFormat>({
  ENVELOPE: EventFormatMessage.ENVELOPE,
  RAW: EventFormatMessage.RAW,
  CLOUDEVENTS_BINARY: EventFormatMessage.CLOUDEVENTS_BINARY,
  CLOUDEVENTS_STRUCTURED: EventFormatMessage.CLOUDEVENTS_STRUCTURED,
});
const CLIENT_ERRORS = enumPair({ RETRY: ClientErrors.RETRY, FAIL: ClientErrors.FAIL });

/**
 * What a message asks for, with defaults in place of what it leaves out, and the destination as it is
 * written. `schedule` is that of a webhook which names neither one nor event types. Where something
 * cannot be made out a problem is noted and a default stands in for it, so that the rest can still be
 * judged.
 */
export function specFrom(
  message: WebhookMessage,
  { field, problems, schedule }: { field: string; problems: Problems; schedule: Schedule },
): WebhookSpec {
  const asked = message.schedule && scheduleFrom(message.schedule, join(field, 'schedule'), problems);
  const rings = asked ?? (message.eventTypes.length === 0 ? schedule : undefined);
  const { timeout, filter } = message;
  const payload = message.payload && payloadFrom(message.payload);
  return {
    name: message.name,
    destination: message.destination,
    ...(rings !== undefined && { schedule: rings }),
    eventTypes: [...message.eventTypes],
    ...(filter !== '' && { filter }),
    ...(payload !== undefined && { payload }),
    headers: lowerCased(message.headers),
    timeoutMs: timeout ? fromDuration(timeout, join(field, 'timeout'), problems) : DEFAULTS.timeoutMs,
    retryPolicy: retryPolicyFrom(message.retryPolicy, join(field, 'retry_policy'), problems),
    limits: limitsFrom(message.limits),
    labels: Object.fromEntries(Object.entries(message.labels)),
  };
}

export function webhookTo(webhook: Webhook): WebhookMessage {
  const { spec, cursor, state, health } = webhook;
  return create(WebhookSchema, {
    id: webhook.id,
    namespace: webhook.namespace,
    name: spec.name,
    destination: spec.destination,
    ...(spec.schedule !== undefined && { schedule: scheduleTo(spec.schedule) }),
    eventTypes: [...spec.eventTypes],
    filter: spec.filter ?? '',
    ...(spec.payload !== undefined && { payload: payloadTo(spec.payload) }),
    headers: Object.fromEntries(Object.entries(spec.headers)),
    timeout: toDuration(spec.timeoutMs),
    retryPolicy: {
      maxAttempts: spec.retryPolicy.maxAttempts,
      delays: spec.retryPolicy.delaysMs.map(toDuration),
      jitter: spec.retryPolicy.jitter,
      clientErrors: CLIENT_ERRORS.toProto(spec.retryPolicy.clientErrors),
    },
    limits: {
      concurrency: spec.limits.concurrency,
      ...(spec.limits.rate !== undefined && { rateLimit: spec.limits.rate }),
      ordered: spec.limits.ordered,
    },
    labels: Object.fromEntries(Object.entries(spec.labels)),
    state: STATES.toProto(state),
    stateReason: webhook.stateReason ?? '',
    // Nothing rings while it is paused or disabled; where its cursor stands matters when it resumes.
    ...(state === 'ACTIVE' && cursor.dueAt !== null && { nextRunTime: toTimestamp(cursor.dueAt) }),
    runCount: BigInt(cursor.fired),
    skippedRunCount: BigInt(cursor.skipped),
    filterFailureCount: BigInt(webhook.filterFailures),
    ...(health.failingSince !== null && { failingSinceTime: toTimestamp(health.failingSince) }),
    ...(health.openUntil !== null && { probeTime: toTimestamp(health.openUntil) }),
    createTime: toTimestamp(webhook.createdAt),
    updateTime: toTimestamp(webhook.updatedAt),
    etag: etagOf(webhook),
  });
}

/** Undefined for one that says no more than none does: a content type alone is of no body. */
function payloadFrom(message: PayloadMessage): Payload | undefined {
  const { body } = message;
  const eventFormat = EVENT_FORMATS.toDomain(message.eventFormat) ?? DEFAULTS.eventFormat;
  const headerTemplates = lowerCased(message.headerTemplates);
  const says = body.case !== undefined || eventFormat !== DEFAULTS.eventFormat;
  if (!says && Object.keys(headerTemplates).length === 0) return undefined;
  const fallback = body.case === 'data' ? DEFAULTS.dataContentType : DEFAULTS.textContentType;
  const given = body.case === undefined ? '' : message.contentType;
  const rest = { contentType: given === '' ? fallback : given, eventFormat, headerTemplates };
  switch (body.case) {
    case 'template':
      return { body: { kind: 'template', source: body.value }, ...rest };
    case 'text':
      return { body: { kind: 'text', text: body.value }, ...rest };
    case 'data':
      return { body: { kind: 'data', data: body.value }, ...rest };
    case undefined:
      return rest;
    default:
      return body satisfies never;
  }
}

function payloadTo({ body, contentType, eventFormat, headerTemplates }: Payload) {
  return {
    ...(body !== undefined && { body: payloadBodyTo(body), contentType }),
    eventFormat: EVENT_FORMATS.toProto(eventFormat),
    headerTemplates: Object.fromEntries(Object.entries(headerTemplates)),
  };
}

function payloadBodyTo(body: NonNullable<Payload['body']>) {
  switch (body.kind) {
    case 'template':
      return { case: 'template', value: body.source } as const;
    case 'text':
      return { case: 'text', value: body.text } as const;
    case 'data':
      return { case: 'data', value: new Uint8Array(body.data) } as const;
    default:
      return body satisfies never;
  }
}

function retryPolicyFrom(
  message: RetryPolicyMessage | undefined,
  field: string,
  problems: Problems,
): RetryPolicy {
  const base = DEFAULTS.retryPolicy;
  if (message === undefined) return base;
  const given = message.delays.map((delay, i) =>
    fromDuration(delay, `${join(field, 'delays')}[${i}]`, problems),
  );
  const delaysMs = given.length === 0 ? base.delaysMs : given;
  return {
    maxAttempts: message.maxAttempts ?? delaysMs.length + 1,
    delaysMs,
    jitter: message.jitter ?? base.jitter,
    clientErrors: CLIENT_ERRORS.toDomain(message.clientErrors) ?? base.clientErrors,
  };
}

function limitsFrom(message: LimitsMessage | undefined): Limits {
  const ordered = message?.ordered ?? false;
  const rate = message?.rateLimit;
  return {
    concurrency: ordered ? 1 : message?.concurrency || DEFAULTS.concurrency,
    ...(rate !== undefined && { rate: { perSecond: rate.perSecond, burst: rate.burst || DEFAULTS.burst } }),
    ordered,
  };
}

/** Names that differ in their case alone are a violation, judged on what the caller wrote. */
function lowerCased(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
