import type { DeliveryQueue, WaitingPoll } from '../delivery-queue.ts';
import { pack } from '../rows/bytes.ts';
import type { Flag } from '../rows/codes.ts';
import { answerBody, fromSurplusRow, fromWaitingRow, toSettlementRow } from '../rows/delivery.ts';
import { bytesOf, fromEventRow, fromRenderedRow, toMadeRow } from '../rows/event.ts';
import { toLaneRow } from '../rows/webhook.ts';
import { type Connection, rowsUpTo, sized } from './connection.ts';

const NOTHING: WaitingPoll = { deliveries: [], events: [], topUp: [], retried: [] };

export function deliveryQueue({ client, feed }: Connection, lives: (node: string) => boolean): DeliveryQueue {
  return {
    // Without shards, only a mark is asked for: what became visible stays for who has them.
    pollWaiting: async (query) => (query?.shards.length === 0 ? NOTHING : feed.takeWaiting()),
    onVisible: (listener) => feed.onVisible(listener),

    waitingLanes: async ({ after = '', limit }) =>
      client.call('waitingLanes', [after, limit], rowsUpTo(limit), (lanes) =>
        lanes.map(([webhookId, dueAt]) => ({ webhookId, dueAt })),
      ),

    topUp: async (lanes) => {
      const args = lanes.map(({ webhookId, limit, ordered }): [string, number, Flag] => [
        webhookId,
        limit,
        ordered ? 1 : 0,
      ]);
      return client.call('topUp', args, sized(lanes), (found) =>
        found.map(({ rows, more }, i) => ({
          webhookId: lanes[i]!.webhookId,
          deliveries: rows.map(fromWaitingRow),
          more,
        })),
      );
    },

    getEventBodies: async (ids) =>
      client.call('getEventBodies', ids, sized(ids), (found) => found.map((row) => row && fromEventRow(row))),

    getRendered: async (ids) =>
      client.call('getRendered', ids, sized(ids), (found) => found.map((row) => row && fromRenderedRow(row))),

    overflowing: async (limit) =>
      client.call('overflowing', limit, rowsUpTo(limit), (lanes) =>
        lanes.map(([webhookId, excess, bound, isOwn]) => ({
          webhookId,
          excess,
          bound,
          of: isOwn === 1 ? 'WEBHOOK' : 'NAMESPACE',
        })),
      ),

    surplus: async (lanes) => {
      const args = lanes.map(({ webhookId, limit }): [string, number] => [webhookId, limit]);
      const rows = lanes.reduce((sum, { limit }) => sum + limit, 0);
      return client.call('surplus', args, rowsUpTo(rows), (found) =>
        found.map((lane) => lane.map(fromSurplusRow)),
      );
    },

    keepMade: async (batch) => {
      const packed = pack(bytesOf(undefined, batch));
      const rows = batch.map((made) => toMadeRow(made, packed));
      return client.call('keepMade', rows, packed.size(batch.length), () => undefined);
    },

    settle: async (batch, lanes, node) => {
      if (node !== undefined && !lives(node)) return batch.map(() => 'DEAD');
      const packed = pack(batch.map(answerBody));
      const rows = batch.map((settlement) => toSettlementRow(settlement, packed));
      const args = { rows, lanes: lanes.map(toLaneRow) };
      return client.call(
        'settle',
        args,
        packed.size(batch.length + lanes.length),
        ({ results, disabled, released }) => {
          for (const id of disabled) feed.webhook(id);
          feed.deliveries(released.map(fromWaitingRow));
          if (batch.length > 0) feed.change();
          feed.announce();
          return results;
        },
      );
    },
  };
}
