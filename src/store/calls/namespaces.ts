import type { Namespaces } from '../namespaces.ts';
import type { NamespaceUpdateRow } from '../rows/messages.ts';
import { fromNamespaceRow, toNamespaceRow } from '../rows/namespace.ts';
import { type Connection, rowsUpTo, sized } from './connection.ts';

export function namespaces({ client, feed }: Pick<Connection, 'client' | 'feed'>): Namespaces {
  return {
    createNamespaces: async (batch) =>
      client.call('createNamespaces', batch.map(toNamespaceRow), sized(batch), (results) => {
        if (results.includes('CREATED')) feed.namespace();
        return results;
      }),

    updateNamespaces: async (batch) => {
      const args = batch.map(
        ({ namespace, ifVersion, changed = [] }): NamespaceUpdateRow => [
          toNamespaceRow(namespace),
          ifVersion,
          changed,
        ],
      );
      return client.call('updateNamespaces', args, sized(batch), (results) => {
        if (results.includes('UPDATED')) {
          feed.namespace();
          // Whether any of its webhooks rings can be otherwise now.
          feed.allWebhooks();
          feed.announce();
        }
        return results;
      });
    },

    getNamespaces: async (names) =>
      client.call('getNamespaces', names, sized(names), (found) =>
        found.map((row) => row && fromNamespaceRow(row)),
      ),

    listNamespaces: async ({ after = '', limit }) =>
      client.call('listNamespaces', [after, limit], rowsUpTo(limit), (found) => found.map(fromNamespaceRow)),

    namespaceUsage: async (names) =>
      client.call('namespaceUsage', names, sized(names), (found) =>
        found.map(([webhooks, waiting, longestLane]) => ({ webhooks, waiting, longestLane })),
      ),

    namespaceEpoch: () => feed.namespaceEpoch(),
  };
}
