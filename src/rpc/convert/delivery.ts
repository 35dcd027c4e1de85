import { create } from '@bufbuild/protobuf';
import {
  type Attempt as AttemptMessage,
  AttemptSchema,
  type Delivery as DeliveryMessage,
  DeliverySchema,
  Delivery_State as State,
  type Timing as TimingMessage,
  TimingSchema,
} from '../../../gen/carillon/v1/delivery_pb.ts';
import type { ShownDelivery } from '../../control/delivery.ts';
import type { Attempt, Timing } from '../../domain/delivery/attempt.ts';
import type { Delivery } from '../../domain/delivery/delivery.ts';
import { enumPair } from './enum-pair.ts';
import { toDuration, toTimestamp } from './time.ts';

const DELIVERY_STATES = enumPair({
  PENDING: State.PENDING,
  SUCCEEDED: State.SUCCEEDED,
  FAILED: State.FAILED,
  CANCELLED: State.CANCELLED,
});

export function deliveryTo(delivery: Delivery, attempts: readonly Attempt[] = []): DeliveryMessage {
  const { dueAt, finishedAt, nominalAt } = delivery;
  return create(DeliverySchema, {
    id: delivery.id,
    namespace: delivery.namespace,
    webhookId: delivery.webhookCallerId ?? delivery.webhookId,
    webhookUid: delivery.webhookId,
    webhookName: delivery.webhookName ?? '',
    eventId: delivery.eventId,
    eventType: delivery.eventType,
    state: DELIVERY_STATES.toProto(delivery.state),
    stateReason: delivery.reason ?? '',
    stateMessage: delivery.message ?? '',
    attemptCount: delivery.attemptCount,
    lastResponseStatus: delivery.lastStatus ?? 0,
    replayOf: delivery.replayOf ?? '',
    ...(delivery.state === 'PENDING' && dueAt !== undefined && { nextAttemptTime: toTimestamp(dueAt) }),
    createTime: toTimestamp(delivery.createdAt),
    ...(finishedAt !== undefined && { finishTime: toTimestamp(finishedAt) }),
    ...(nominalAt !== undefined && { scheduledTime: toTimestamp(nominalAt) }),
    attempts: attempts.map(attemptTo),
  });
}

/** How much is shown of what attempts send. */
const REQUEST_BODY_SHOWN_BYTES = 64 * 1024;

/** With its attempts, and what they send. */
export function shownDeliveryTo(delivery: ShownDelivery): DeliveryMessage {
  const { attempts, requestBody } = delivery;
  const message = deliveryTo(delivery, attempts);
  message.waitsFor = delivery.waitsFor ?? '';
  if (requestBody === undefined) return message;
  message.requestBody = new Uint8Array(requestBody.subarray(0, REQUEST_BODY_SHOWN_BYTES));
  message.requestBodySize = BigInt(requestBody.length);
  return message;
}

export function attemptTo({ number, requestHeaders, url = '', outcome }: Attempt): AttemptMessage {
  const made = {
    number,
    startTime: toTimestamp(outcome.startedAt),
    duration: toDuration(outcome.durationMs),
    requestHeaders: headersTo(requestHeaders),
    requestUrl: url,
    remoteAddress: outcome.remoteAddress ?? '',
    timing: timingTo(outcome.timing),
  };
  if (outcome.kind === 'failed') {
    return create(AttemptSchema, { ...made, errorClass: outcome.errorClass, errorMessage: outcome.message });
  }
  return create(AttemptSchema, {
    ...made,
    responseStatus: outcome.status,
    responseHeaders: Object.fromEntries(Object.entries(outcome.headers)),
    responseBody: new Uint8Array(outcome.body),
    responseTruncated: outcome.truncated,
    errorClass: outcome.bodyFault?.errorClass ?? '',
    errorMessage: outcome.bodyFault?.message ?? '',
  });
}

/** Names and values in turn. A name that was sent twice has its values joined, which means the same (RFC 9110, section 5.2). */
function headersTo(pairs: readonly string[]): Record<string, string> {
  const headers = new Map<string, string>();
  for (let i = 0; i + 1 < pairs.length; i += 2) {
    const [name, value] = [pairs[i]!, pairs[i + 1]!];
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
  }
  return Object.fromEntries(headers);
}

function timingTo({ dnsMs, connectMs, tlsMs, waitMs, readMs }: Timing): TimingMessage {
  return create(TimingSchema, {
    ...(dnsMs !== undefined && { dns: toDuration(dnsMs) }),
    ...(connectMs !== undefined && { connect: toDuration(connectMs) }),
    ...(tlsMs !== undefined && { tls: toDuration(tlsMs) }),
    ...(waitMs !== undefined && { wait: toDuration(waitMs) }),
    ...(readMs !== undefined && { read: toDuration(readMs) }),
  });
}
