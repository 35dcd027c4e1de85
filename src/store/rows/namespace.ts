/** Between namespaces and their rows. */
import type { AskedQuotas, Namespace } from '../../domain/access/namespace.ts';
import { NAMESPACE, type NamespaceRow } from './tables.ts';

export function toNamespaceRow({
  name,
  state,
  quotas,
  createdAt,
  updatedAt,
  version,
}: Namespace): NamespaceRow {
  const { webhooksMax, waitingMax, laneWaitingMax, publishRate, payloadBytesMax } = quotas;
  return [
    name,
    state,
    webhooksMax ?? null,
    waitingMax ?? null,
    laneWaitingMax ?? null,
    publishRate?.perSecond ?? null,
    publishRate?.burst ?? null,
    payloadBytesMax ?? null,
    createdAt,
    updatedAt,
    version,
  ];
}

export function fromNamespaceRow(row: NamespaceRow): Namespace {
  const { at } = NAMESPACE;
  return {
    name: row[at.name],
    state: row[at.state],
    quotas: quotasFrom(row),
    createdAt: row[at.createdAt],
    updatedAt: row[at.updatedAt],
    version: row[at.version],
  };
}

function quotasFrom(row: NamespaceRow): AskedQuotas {
  const { at } = NAMESPACE;
  const webhooksMax = row[at.webhooksMax];
  const waitingMax = row[at.waitingMax];
  const laneWaitingMax = row[at.laneWaitingMax];
  const perSecond = row[at.publishRate];
  const payloadBytesMax = row[at.payloadBytesMax];
  return {
    ...(webhooksMax !== null && { webhooksMax }),
    ...(waitingMax !== null && { waitingMax }),
    ...(laneWaitingMax !== null && { laneWaitingMax }),
    ...(perSecond !== null && { publishRate: { perSecond, burst: row[at.publishBurst] ?? 1 } }),
    ...(payloadBytesMax !== null && { payloadBytesMax }),
  };
}
