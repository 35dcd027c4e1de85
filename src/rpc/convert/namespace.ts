import { create, type MessageInitShape } from '@bufbuild/protobuf';
import {
  type Namespace as NamespaceMessage,
  type NamespaceQuotas,
  type NamespaceQuotasSchema,
  NamespaceSchema,
  Namespace_State as State,
} from '../../../gen/carillon/v1/namespace_pb.ts';
import { namespaceEtag, type ShownNamespace } from '../../control/namespaces.ts';
import type { AskedQuotas } from '../../domain/access/namespace.ts';
import { enumPair } from './enum-pair.ts';
import { toTimestamp } from './time.ts';

const STATES = enumPair({ ACTIVE: State.ACTIVE, SUSPENDED: State.SUSPENDED, DELETING: State.DELETING });

/** How many can be saved up of a rate that does not say. */
const BURST_DEFAULT = 1;

export function namespaceTo({ namespace, effective, usage }: ShownNamespace): NamespaceMessage {
  const { name, state, quotas, createdAt, updatedAt } = namespace;
  return create(NamespaceSchema, {
    name,
    state: STATES.toProto(state),
    quotas: quotasTo(quotas),
    effective: quotasTo(effective),
    usage: {
      webhooks: BigInt(usage.webhooks),
      waiting: BigInt(usage.waiting),
      longestLane: BigInt(usage.longestLane),
    },
    ...(createdAt > 0 && { createTime: toTimestamp(createdAt) }),
    ...(updatedAt > 0 && { updateTime: toTimestamp(updatedAt) }),
    etag: namespaceEtag(namespace),
  });
}

/** 0 says nothing. */
export function quotasFrom(message: NamespaceQuotas | undefined): AskedQuotas {
  const { webhooks = 0, waiting = 0, waitingPerWebhook = 0, publishRate, payloadBytes = 0 } = message ?? {};
  return {
    ...(webhooks > 0 && { webhooksMax: webhooks }),
    ...(waiting > 0 && { waitingMax: waiting }),
    ...(waitingPerWebhook > 0 && { laneWaitingMax: waitingPerWebhook }),
    ...(publishRate !== undefined && {
      publishRate: { perSecond: publishRate.perSecond, burst: publishRate.burst || BURST_DEFAULT },
    }),
    ...(payloadBytes > 0 && { payloadBytesMax: payloadBytes }),
  };
}

function quotasTo(quotas: AskedQuotas): MessageInitShape<typeof NamespaceQuotasSchema> {
  const { webhooksMax, waitingMax, laneWaitingMax, publishRate, payloadBytesMax } = quotas;
  return {
    webhooks: webhooksMax ?? 0,
    waiting: waitingMax ?? 0,
    waitingPerWebhook: laneWaitingMax ?? 0,
    ...(publishRate !== undefined && { publishRate }),
    payloadBytes: payloadBytesMax ?? 0,
  };
}

/** Which quotas each path of a mask is about. */
export const QUOTA_PATHS = {
  webhooks: 'webhooksMax',
  waiting: 'waitingMax',
  waiting_per_webhook: 'laneWaitingMax',
  publish_rate: 'publishRate',
  payload_bytes: 'payloadBytesMax',
} as const satisfies Record<string, keyof AskedQuotas>;
