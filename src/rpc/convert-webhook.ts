import { create } from '@bufbuild/protobuf';
import {
  RetryPolicy_ClientErrors as ClientErrors,
  type Limits as LimitsMessage,
  type Payload as PayloadMessage,
  type RetryPolicy as RetryPolicyMessage,
  Webhook_State as State,
  type Webhook as WebhookMessage,
  WebhookSchema,
} from '../../gen/carillon/v1/webhook_pb.ts';
import type { RetryPolicy } from '../domain/retry-policy.ts';
import type { Schedule } from '../domain/schedule.ts';
import type { Payload } from '../domain/template.ts';
import type { Limits, Webhook, WebhookSpec } from '../domain/webhook.ts';
import { scheduleFrom, scheduleTo } from './convert-schedule.ts';
import { fromDuration, toDuration, toTimestamp } from './convert-time.ts';
import { DEFAULTS } from './defaults.ts';
import { enumPair } from './enum-pair.ts';
import { etagOf } from './etag.ts';
import { join, type Problems } from './problems.ts';

export const STATES = enumPair({ ACTIVE: State.ACTIVE, PAUSED: State.PAUSED, DISABLED: State.DISABLED });
const CLIENT_ERRORS = enumPair({ RETRY: ClientErrors.RETRY, FAIL: ClientErrors.FAIL });

/**
 * What a message asks for, with defaults in place of what it leaves out, and the destination as it is
 * written. Where something cannot be made out a problem is noted and a default stands in for it, so
 * that the rest can still be judged.
 */
export function specFrom(
  message: WebhookMessage,
  { field, problems, schedule }: { field: string; problems: Problems; schedule: Schedule },
): WebhookSpec {
  const asked = message.schedule && scheduleFrom(message.schedule, join(field, 'schedule'), problems);
  const { timeout, payload } = message;
  return {
    name: message.name,
    destination: message.destination,
    schedule: asked ?? schedule,
    ...(payload !== undefined && payload.body.case !== undefined && { payload: payloadFrom(payload) }),
    headers: lowerCased(message.headers),
    timeoutMs: timeout ? fromDuration(timeout, join(field, 'timeout'), problems) : DEFAULTS.timeoutMs,
    retryPolicy: retryPolicyFrom(message.retryPolicy, join(field, 'retry_policy'), problems),
    limits: limitsFrom(message.limits),
    labels: Object.fromEntries(Object.entries(message.labels)),
  };
}

export function webhookTo(webhook: Webhook): WebhookMessage {
  const { spec, cursor, state } = webhook;
  return create(WebhookSchema, {
    id: webhook.id,
    namespace: webhook.namespace,
    name: spec.name,
    destination: spec.destination,
    schedule: scheduleTo(spec.schedule),
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
    createTime: toTimestamp(webhook.createdAt),
    updateTime: toTimestamp(webhook.updatedAt),
    etag: etagOf(webhook),
  });
}

function payloadFrom(message: PayloadMessage): Payload {
  const { body } = message;
  const fallback = body.case === 'data' ? DEFAULTS.dataContentType : DEFAULTS.textContentType;
  const contentType = message.contentType === '' ? fallback : message.contentType;
  switch (body.case) {
    case 'template':
      return { body: { kind: 'template', source: body.value }, contentType };
    case 'data':
      return { body: { kind: 'data', data: body.value }, contentType };
    default:
      return { body: { kind: 'text', text: body.value ?? '' }, contentType };
  }
}

function payloadTo({ body, contentType }: Payload) {
  switch (body.kind) {
    case 'template':
      return { body: { case: 'template', value: body.source }, contentType } as const;
    case 'text':
      return { body: { case: 'text', value: body.text }, contentType } as const;
    case 'data':
      return { body: { case: 'data', value: new Uint8Array(body.data) }, contentType } as const;
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
