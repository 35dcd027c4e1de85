import type { NamespaceKey } from '../../domain/webhook/namespace-key.ts';
import type { NamespaceKeys } from '../namespace-keys.ts';
import { NAMESPACE_KEY, type NamespaceKeyRow } from '../rows/tables.ts';
import { type Connection, rowsUpTo, sized } from './connection.ts';

export function namespaceKeys({ client }: Pick<Connection, 'client'>): NamespaceKeys {
  return {
    keepNamespaceKeys: async (batch) =>
      client.call('keepNamespaceKeys', batch.map(toNamespaceKeyRow), sized(batch), (rows) =>
        rows.map((row) => row && fromNamespaceKeyRow(row)),
      ),

    listNamespaceKeys: async ({ after, limit }) =>
      client.call('listNamespaceKeys', [after, limit], rowsUpTo(limit), (rows) =>
        rows.map(fromNamespaceKeyRow),
      ),
  };
}

export function toNamespaceKeyRow({
  namespace,
  id,
  publicKey,
  sealed,
  createdAt,
}: NamespaceKey): NamespaceKeyRow {
  return [namespace, id, new Uint8Array(publicKey), new Uint8Array(sealed), createdAt];
}

function fromNamespaceKeyRow(row: NamespaceKeyRow): NamespaceKey {
  const { at } = NAMESPACE_KEY;
  return {
    namespace: row[at.namespace],
    id: row[at.id],
    publicKey: new Uint8Array(row[at.publicKey]),
    sealed: new Uint8Array(row[at.sealed]),
    createdAt: row[at.createdAt],
  };
}
