import type { NamespaceKey } from '../../domain/webhook/namespace-key.ts';
import { REQUEST, type RequestRow, SEAL_KEY, type SealKeyRow } from '../rows/tables.ts';
import { fromWebhookRow, toWebhookRow } from '../rows/webhook.ts';
import type { RememberedRequest, Resealed, Sealing, SealKeyUse } from '../sealing.ts';
import { type Connection, ONE_ROW, rowsUpTo, sized } from './connection.ts';
import { toNamespaceKeyRow } from './namespace-keys.ts';

export function sealing({ client, defaults }: Connection): Sealing {
  return {
    listSealKeys: async () => client.call('listSealKeys', null, ONE_ROW, (rows) => rows.map(fromKeyRow)),

    noteSealKeys: async (batch) =>
      client.call(
        'noteSealKeys',
        batch.map(({ id, usedAt }): [string, number] => [id, usedAt]),
        sized(batch),
        () => {},
      ),

    keepSealKey: async ({ id, aloneAt }) => client.call('keepSealKey', [id, aloneAt], ONE_ROW, () => {}),

    countSealable: async () => client.call('countSealable', null, ONE_ROW, (count) => count),

    walkWebhooks: async ({ after = '', limit }) =>
      client.call('walkWebhooks', [after, limit], rowsUpTo(limit), (rows) =>
        rows.map((row) => fromWebhookRow(row, defaults)),
      ),

    walkRequests: async ({ after, limit }) =>
      client.call(
        'walkRequests',
        [after?.namespace ?? '', after?.requestId ?? '', limit],
        rowsUpTo(limit),
        (rows) => rows.map(fromRequestRow),
      ),

    resealWebhooks: async (batch) =>
      client.call('resealWebhooks', pairs(batch, toWebhookRow), sized(batch), (done) => done),

    resealNamespaceKeys: async (batch: readonly Resealed<NamespaceKey>[]) =>
      client.call('resealNamespaceKeys', pairs(batch, toNamespaceKeyRow), sized(batch), (done) => done),

    resealRequests: async (batch) =>
      client.call('resealRequests', pairs(batch, toRequestRow), sized(batch), (done) => done),
  };
}

function pairs<T, Row>(batch: readonly Resealed<T>[], toRow: (value: T) => Row): [from: Row, to: Row][] {
  return batch.map(({ from, to }) => [toRow(from), toRow(to)]);
}

function fromKeyRow(row: SealKeyRow): SealKeyUse {
  const { at } = SEAL_KEY;
  const aloneAt = row[at.aloneAt];
  return { id: row[at.id], usedAt: row[at.usedAt], ...(aloneAt !== null && { aloneAt }) };
}

function fromRequestRow(row: RequestRow): RememberedRequest {
  const { at } = REQUEST;
  const answer = row[at.answer];
  return {
    namespace: row[at.namespace],
    requestId: row[at.id],
    digest: row[at.digest],
    claimedAt: row[at.claimedAt],
    until: row[at.knownUntil],
    ...(answer !== null && { answer }),
  };
}

function toRequestRow({
  namespace,
  requestId,
  digest,
  claimedAt,
  until,
  answer,
}: RememberedRequest): RequestRow {
  return [
    namespace,
    requestId,
    digest,
    claimedAt,
    until,
    answer === undefined ? null : new Uint8Array(answer),
  ];
}
