import { create } from '@bufbuild/protobuf';
import { SecretValueSchema } from '../../../gen/carillon/v1/credentials_pb.ts';
import {
  RetryPolicy_ClientErrors as ClientErrors,
  EffectiveSchema,
  Payload_EventFormat as EventFormatMessage,
  type Limits as LimitsMessage,
  Limits_OverflowPolicy as OverflowPolicy,
  type Payload as PayloadMessage,
  type RetryPolicy as RetryPolicyMessage,
  Webhook_State as State,
  type Traffic as TrafficMessage,
  TrafficSchema,
  type Webhook as WebhookMessage,
  WebhookSchema,
} from '../../../gen/carillon/v1/webhook_pb.ts';
import { holdOf } from '../../domain/delivery/lane.ts';
import type { RetryPolicy } from '../../domain/delivery/retry-policy.ts';
import type { Problems } from '../../domain/problems.ts';
import { quote } from '../../domain/text.ts';
import type { AskedLimits, AskedPayload, AskedSpec } from '../../domain/webhook/asked.ts';
import { withheld } from '../../domain/webhook/consent.ts';
import type { AskedCredentials } from '../../domain/webhook/credentials.ts';
import { etagOf } from '../../domain/webhook/etag.ts';
import type { EventFormat, Payload } from '../../domain/webhook/payload.ts';
import type { SigningSecret } from '../../domain/webhook/rotation.ts';
import type { Traffic } from '../../domain/webhook/traffic.ts';
import { warningsOf } from '../../domain/webhook/warnings.ts';
import { type Webhook, webhookIdOf } from '../../domain/webhook/webhook.ts';
import { authFrom, authTo } from './auth.ts';
import { compatibilityFrom, compatibilityTo } from './compatibility.ts';
import { consentFrom, consentTo, standingTo } from './consent.ts';
import { privateKeyFrom, tlsFrom, tlsTo } from './destination-tls.ts';
import { enumPair } from './enum-pair.ts';
import { scheduleFrom, scheduleTo } from './schedule.ts';
import { fromDuration, toDuration, toTimestamp } from './time.ts';

const STATES = enumPair({ ACTIVE: State.ACTIVE, PAUSED: State.PAUSED, DISABLED: State.DISABLED });
const EVENT_FORMATS = enumPair<EventFormatMessage, EventFormat>({
  ENVELOPE: EventFormatMessage.ENVELOPE,
  RAW: EventFormatMessage.RAW,
  CLOUDEVENTS_BINARY: EventFormatMessage.CLOUDEVENTS_BINARY,
  CLOUDEVENTS_STRUCTURED: EventFormatMessage.CLOUDEVENTS_STRUCTURED,
});
const OVERFLOW_POLICIES = enumPair({
  DROP_OLDEST: OverflowPolicy.DROP_OLDEST,
  DROP_NEWEST: OverflowPolicy.DROP_NEWEST,
});
const CLIENT_ERRORS = enumPair({ RETRY: ClientErrors.RETRY, FAIL: ClientErrors.FAIL });

/**
 * What a message asks for. What it leaves out stays unset. Where something cannot be made out a problem is
 * noted and left out as well, so that the rest can still be judged.
 */
export function specFrom(message: WebhookMessage, problems: Problems): AskedSpec {
  const schedule = message.schedule && scheduleFrom(message.schedule, problems.under('schedule'));
  const { timeout, filter } = message;
  const tls = tlsFrom(message.tls);
  const { consent } = message;
  return {
    name: message.name,
    destination: message.destination,
    ...(schedule !== undefined && { schedule }),
    eventTypes: [...message.eventTypes],
    ...(filter !== '' && { filter }),
    ...(message.payload !== undefined && { payload: payloadFrom(message.payload) }),
    headers: message.headers,
    ...(timeout !== undefined && { timeoutMs: fromDuration(timeout, 'timeout', problems) }),
    ...(message.retryPolicy !== undefined && {
      retryPolicy: retryPolicyFrom(message.retryPolicy, problems.under('retry_policy')),
    }),
    ...(message.limits !== undefined && { limits: limitsFrom(message.limits) }),
    labels: Object.fromEntries(Object.entries(message.labels)),
    ...(message.asymmetricSignature && { asymmetric: true }),
    ...(message.compatibilitySignature !== undefined && {
      compatibility: compatibilityFrom(message.compatibilitySignature),
    }),
    ...(tls !== undefined && { tls }),
    ...(consent !== undefined && { consent: consentFrom(consent) }),
  };
}

/** The secret values that a message asks for. Names that differ in their case alone are a problem. */
export function credentialsFrom(message: WebhookMessage, problems: Problems): AskedCredentials {
  const headers = new Map<string, string | undefined>();
  for (const [name, { value }] of Object.entries(message.secretHeaders)) {
    const lower = name.toLowerCase();
    if (headers.has(lower)) {
      problems.add(
        `secret_headers[${quote(name)}]`,
        'comes twice, in different cases: give each header once',
      );
    }
    headers.set(lower, value === '' ? undefined : value);
  }
  const auth = authFrom(message.auth, problems.under('auth'));
  const tls = privateKeyFrom(message.tls);
  return {
    headers: Object.fromEntries(headers),
    ...(auth !== undefined && { auth }),
    ...(tls !== undefined && { tls }),
  };
}

/** A webhook as its caller asked for it, and how it is. */
export function basicTo(webhook: Webhook): WebhookMessage {
  const { spec, cursor, state, health } = webhook;
  const hold = withheld(webhook) ?? holdOf(health);
  return create(WebhookSchema, {
    id: webhookIdOf(webhook),
    uid: webhook.id,
    namespace: webhook.namespace,
    ...askedTo(spec),
    state: STATES.toProto(state),
    stateReason: webhook.stateReason ?? '',
    // Nothing rings while it is paused or disabled; where its cursor stands matters when it resumes.
    ...(state === 'ACTIVE' && cursor.dueAt !== null && { nextRunTime: toTimestamp(cursor.dueAt) }),
    runCount: BigInt(cursor.fired),
    skippedRunCount: BigInt(cursor.skipped),
    filterFailureCount: BigInt(webhook.filterFailures),
    ...(health.failingSince !== null && { failingSinceTime: toTimestamp(health.failingSince) }),
    ...(health.openUntil !== null && { probeTime: toTimestamp(health.openUntil) }),
    ...(hold !== undefined && { holdReason: hold.reason, holdEndTime: toTimestamp(hold.until) }),
    ...(webhook.consent !== undefined && { consentStanding: standingTo(webhook.consent) }),
    warnings: [...warningsOf(spec)],
    signingSecrets: webhook.secrets.map(secretTo),
    createTime: toTimestamp(webhook.createdAt),
    updateTime: toTimestamp(webhook.updatedAt),
    etag: etagOf(webhook),
  });
}

function secretTo({ id, createdAt, expiresAt }: SigningSecret) {
  return {
    id,
    createTime: toTimestamp(createdAt),
    ...(expiresAt !== undefined && { expireTime: toTimestamp(expiresAt) }),
  };
}

/** The same, with what applies to it. */
export function webhookTo(webhook: Webhook): WebhookMessage {
  const { timeoutMs, retryPolicy, limits, schedule } = webhook.effective;
  const effective = create(EffectiveSchema, {
    timeout: toDuration(timeoutMs),
    retryPolicy: retryPolicyTo(retryPolicy),
    limits: limitsTo(limits),
    ...(schedule !== undefined && { schedule: scheduleTo(schedule) }),
  });
  return { ...basicTo(webhook), effective };
}

/** The same, with how it goes with its deliveries; null if that is not known. */
export function webhookInFullTo(webhook: Webhook, traffic: Traffic | null): WebhookMessage {
  return { ...webhookTo(webhook), ...(traffic !== null && { traffic: trafficTo(traffic) }) };
}

function trafficTo({ waiting, lastAttempt }: Traffic): TrafficMessage {
  return create(TrafficSchema, {
    waitingCount: BigInt(waiting),
    ...(lastAttempt && {
      lastAttemptTime: toTimestamp(lastAttempt.at),
      lastResponseStatus: lastAttempt.status,
      lastDeliveryId: lastAttempt.deliveryId ?? '',
    }),
  });
}

function askedTo(spec: AskedSpec) {
  const { schedule, payload, timeoutMs, retryPolicy, limits } = spec;
  return {
    name: spec.name,
    destination: spec.destination,
    ...(schedule !== undefined && { schedule: scheduleTo(schedule) }),
    eventTypes: [...(spec.eventTypes ?? [])],
    filter: spec.filter ?? '',
    ...(payload !== undefined && { payload: payloadTo(payload) }),
    headers: { ...spec.headers },
    secretHeaders: Object.fromEntries(
      Object.entries(spec.secretHeaders ?? {}).map(([name, mark]) => [name, create(SecretValueSchema, mark)]),
    ),
    ...(spec.auth !== undefined && { auth: authTo(spec.auth) }),
    ...(timeoutMs !== undefined && { timeout: toDuration(timeoutMs) }),
    ...(retryPolicy !== undefined && { retryPolicy: retryPolicyTo(retryPolicy) }),
    ...(limits !== undefined && { limits: limitsTo(limits) }),
    labels: { ...spec.labels },
    asymmetricSignature: spec.asymmetric ?? false,
    ...(spec.compatibility !== undefined && {
      compatibilitySignature: compatibilityTo(spec.compatibility),
    }),
    ...(spec.tls !== undefined && { tls: tlsTo(spec.tls) }),
    ...(spec.consent !== undefined && { consent: consentTo(spec.consent) }),
  };
}

function retryPolicyTo({ maxAttempts, delaysMs = [], jitter, clientErrors }: Partial<RetryPolicy>) {
  return {
    ...(maxAttempts !== undefined && { maxAttempts }),
    delays: delaysMs.map(toDuration),
    ...(jitter !== undefined && { jitter }),
    clientErrors: CLIENT_ERRORS.toProto(clientErrors),
  };
}

function limitsTo({ concurrency = 0, rate, ordered = false, waitingMax = 0, overflow }: AskedLimits) {
  return {
    concurrency,
    ...(rate !== undefined && { rateLimit: { burst: 0, ...rate } }),
    ordered,
    waitingMax,
    overflowPolicy: OVERFLOW_POLICIES.toProto(overflow),
  };
}

function payloadFrom({ body, contentType, eventFormat, headerTemplates }: PayloadMessage): AskedPayload {
  const format = EVENT_FORMATS.toDomain(eventFormat);
  return {
    ...payloadBodyFrom(body),
    ...(contentType !== '' && { contentType }),
    ...(format !== undefined && { eventFormat: format }),
    headerTemplates,
  };
}

function payloadBodyFrom(body: PayloadMessage['body']): Pick<AskedPayload, 'body'> {
  switch (body.case) {
    case 'template':
      return { body: { kind: 'template', source: body.value } };
    case 'text':
      return { body: { kind: 'text', text: body.value } };
    case 'data':
      return { body: { kind: 'data', data: body.value } };
    case undefined:
      return {};
    default:
      return body satisfies never;
  }
}

function payloadTo({ body, contentType = '', eventFormat, headerTemplates }: AskedPayload) {
  return {
    ...(body !== undefined && { body: payloadBodyTo(body) }),
    contentType,
    eventFormat: EVENT_FORMATS.toProto(eventFormat),
    headerTemplates: { ...headerTemplates },
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

function retryPolicyFrom(message: RetryPolicyMessage, problems: Problems): Partial<RetryPolicy> {
  const { maxAttempts, jitter } = message;
  const delaysMs = message.delays.map((delay, i) => fromDuration(delay, `delays[${i}]`, problems));
  const clientErrors = CLIENT_ERRORS.toDomain(message.clientErrors);
  return {
    ...(maxAttempts !== undefined && { maxAttempts }),
    ...(delaysMs.length > 0 && { delaysMs }),
    ...(jitter !== undefined && { jitter }),
    ...(clientErrors !== undefined && { clientErrors }),
  };
}

function limitsFrom({
  concurrency,
  rateLimit,
  ordered,
  waitingMax,
  overflowPolicy,
}: LimitsMessage): AskedLimits {
  const overflow = OVERFLOW_POLICIES.toDomain(overflowPolicy);
  return {
    ...(concurrency !== 0 && { concurrency }),
    ...(rateLimit !== undefined && {
      rate: {
        perSecond: rateLimit.perSecond,
        ...(rateLimit.burst !== 0 && { burst: rateLimit.burst }),
      },
    }),
    ordered,
    ...(waitingMax !== 0 && { waitingMax }),
    ...(overflow !== undefined && { overflow }),
  };
}
