import type { Traffic } from '../../domain/webhook/traffic.ts';
import type { Registrations } from '../registrations.ts';
import { toConsentRow } from '../rows/consent.ts';
import type { WebhookFilter } from '../rows/filters.ts';
import type { RemovalRow } from '../rows/messages.ts';
import type { WebhookRow } from '../rows/tables.ts';
import {
  fromRingingRow,
  fromWebhookRow,
  toUpdateRow,
  toWebhookFilter,
  toWebhookRow,
} from '../rows/webhook.ts';
import { type Connection, listAll, ONE_ROW, partOf, rowsUpTo, sized } from './connection.ts';
import type { Answer } from './shapes.ts';

export function registrations({ client, feed, defaults }: Connection): Registrations {
  const read = (row: WebhookRow) => fromWebhookRow(row, defaults);

  /** Notes which of the webhooks changed, by their results. */
  function noteWebhooks<R extends string>(results: readonly R[], change: R, ids: readonly string[]): R[] {
    for (const [i, result] of results.entries()) if (result === change) feed.webhook(ids[i]!);
    feed.announce();
    return [...results];
  }

  const scan = (filter: WebhookFilter) =>
    client.call('listWebhooks', filter, rowsUpTo(filter.limit), (part) => partOf(part, read));

  return {
    createWebhooks: async (batch) =>
      client.call('createWebhooks', batch.map(toWebhookRow), sized(batch), (results) =>
        noteWebhooks(results, 'CREATED', idsOf(batch)),
      ),

    updateWebhooks: async (batch) => {
      const ids = batch.map(({ webhook }) => webhook.id);
      return client.call('updateWebhooks', batch.map(toUpdateRow), sized(batch), (results) =>
        noteWebhooks(results, 'UPDATED', ids),
      );
    },

    getWebhooks: async (ids) =>
      client.call('getWebhooks', ids, sized(ids), (found) =>
        found.map((row) => row && fromRingingRow(row, defaults)),
      ),

    resolveWebhooks: async (names) =>
      client.call(
        'resolveWebhooks',
        names.map(({ namespace, id }): [string, string] => [namespace, id]),
        sized(names),
        (found) => found.map((row) => row && read(row)),
      ),

    findWebhook: async ({ namespace, name, destination }) =>
      client.call('findWebhook', [namespace, name, destination], ONE_ROW, (row) => row && read(row)),

    listWebhooks: (query) => listAll(query.limit, toWebhookFilter(query), scan),
    scanWebhooks: (query) => scan(toWebhookFilter(query)),

    getTraffic: async (ids) =>
      client.call('getTraffic', ids, sized(ids), (found) => found.map((row) => row && fromTrafficRow(row))),

    removeWebhooks: async (batch) => {
      const args = batch.map(({ id, now, ifVersion }): RemovalRow => [id, now, ifVersion ?? null]);
      return client.call('removeWebhooks', args, sized(batch), ({ results, cancelled }) => {
        if (cancelled > 0) feed.change();
        return noteWebhooks(results, 'REMOVED', idsOf(batch));
      });
    },

    matchWebhooks: async (batch) =>
      client.call(
        'matchWebhooks',
        batch.map(({ namespace, type }): [string, string] => [namespace, type]),
        sized(batch),
        (found) => found,
      ),

    unverifiedWebhooks: async (limit) =>
      client.call('unverifiedWebhooks', limit, rowsUpTo(limit), (found) => found.map(read)),

    dueConsents: async ({ now, limit }) =>
      client.call('dueConsents', [now, limit], rowsUpTo(limit), (found) =>
        found.map((row) => fromRingingRow(row, defaults)),
      ),

    keepConsents: async (batch) => {
      const args = batch.map(({ webhookId, consent }) => [webhookId, ...toConsentRow(consent)] as const);
      return client.call(
        'keepConsents',
        args.map(([id, said, dueAt, since]) => [id, said, dueAt, since]),
        sized(batch),
        (kept) => {
          for (const [i, is] of kept.entries()) if (is) feed.webhook(batch[i]!.webhookId);
          feed.announce();
          return kept;
        },
      );
    },

    unsealedWebhooks: async (limit) =>
      client.call('unsealedWebhooks', limit, rowsUpTo(limit), (found) => found.map(read)),

    sealWebhooks: async (batch) =>
      client.call('sealWebhooks', batch.map(toWebhookRow), sized(batch), () => {
        for (const { id } of batch) feed.webhook(id);
        feed.announce();
      }),

    webhookEpoch: () => feed.epoch(),

    pollWebhooks: async () => feed.takeWebhooks(),
  };
}

function fromTrafficRow([waiting, last]: NonNullable<Answer<'getTraffic'>[number]>): Traffic {
  if (last === null) return { waiting };
  const [at, status, deliveryId] = last;
  return { waiting, lastAttempt: { at, status, ...(deliveryId !== null && { deliveryId }) } };
}

function idsOf(batch: readonly { readonly id: string }[]): string[] {
  return batch.map(({ id }) => id);
}
