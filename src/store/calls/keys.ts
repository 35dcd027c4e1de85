import type { Keys } from '../keys.ts';
import { fromApiKeyRow, toApiKeyRow } from '../rows/key.ts';
import { API_KEY, type ApiKeyRow } from '../rows/tables.ts';
import { type Connection, rowsUpTo, sized } from './connection.ts';

export function keys({ client }: Pick<Connection, 'client'>): Keys {
  return {
    createApiKeys: async (batch, { now, max }) =>
      client.call('createApiKeys', [batch.map(toApiKeyRow), now, max], sized(batch), (results) => results),

    listApiKeys: async ({ namespace, from, limit }) =>
      client.call('listApiKeys', [from ?? '', namespace ?? null, limit], rowsUpTo(limit), (rows) =>
        rows.map(keyOf),
      ),

    revokeApiKeys: async (batch) =>
      client.call(
        'revokeApiKeys',
        batch.map(({ id, now, namespace }): [string, number, string | null] => [id, now, namespace ?? null]),
        sized(batch),
        (answers) => answers.map((answer) => answer && keyOf(answer[0])),
      ),

    noteApiKeyUses: async (batch) =>
      client.call(
        'noteApiKeyUses',
        batch.map(({ id, at }): [string, number] => [id, at]),
        sized(batch),
        () => {},
      ),

    apiKeyChanges: async ({ after, limit }) =>
      client.call('apiKeyChanges', [after, limit], rowsUpTo(limit), (rows) =>
        rows.map((row) => ({ key: fromApiKeyRow(row), change: row[API_KEY.at.change] })),
      ),
  };
}

/** Without the hash, which nobody needs who only looks. */
function keyOf(row: ApiKeyRow) {
  const { hash: _, ...key } = fromApiKeyRow(row);
  return key;
}
