import { create } from '@bufbuild/protobuf';
import {
  type Attempt as AttemptMessage,
  AttemptSchema,
  type Delivery as DeliveryMessage,
  DeliverySchema,
  Delivery_State as State,
} from '../../gen/carillon/v1/delivery_pb.ts';
import type { Attempt } from '../domain/attempt.ts';
import type { Delivery } from '../domain/delivery.ts';
import { toDuration, toTimestamp } from './convert-time.ts';
import { enumPair } from './enum-pair.ts';

export const DELIVERY_STATES = enumPair({
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
    webhookId: delivery.webhookId,
    eventId: delivery.eventId,
    state: DELIVERY_STATES.toProto(delivery.state),
    stateReason: delivery.reason ?? '',
    attemptCount: delivery.attemptCount,
    ...(delivery.state === 'PENDING' && dueAt !== undefined && { nextAttemptTime: toTimestamp(dueAt) }),
    createTime: toTimestamp(delivery.createdAt),
    ...(finishedAt !== undefined && { finishTime: toTimestamp(finishedAt) }),
    ...(nominalAt !== undefined && { scheduledTime: toTimestamp(nominalAt) }),
    attempts: attempts.map(attemptTo),
  });
}

function attemptTo({ number, outcome }: Attempt): AttemptMessage {
  const made = {
    number,
    startTime: toTimestamp(outcome.startedAt),
    duration: toDuration(outcome.durationMs),
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
  });
}
