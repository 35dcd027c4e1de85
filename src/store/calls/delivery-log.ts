import type { DeliveryKey, DeliveryLog, DeliveryOrder, EventKey } from '../delivery-log.ts';
import { fromAttemptRow } from '../rows/attempt.ts';
import {
  fromChangeRow,
  fromDeliveryRow,
  fromWaitingRow,
  toDeliveryFilter,
  toEventFilter,
} from '../rows/delivery.ts';
import { fromContentRow, fromEventRecordRow } from '../rows/event.ts';
import type { DeliveryFilter, EventFilter } from '../rows/filters.ts';
import type { OrderRow } from '../rows/messages.ts';
import type { WaitingRow } from '../rows/tables.ts';
import { type Connection, listAll, ONE_ROW, partOf, rowsUpTo, sized } from './connection.ts';

export function deliveryLog({ client, feed }: Connection): DeliveryLog {
  /** Hands deliveries whose rows changed to the dispatcher. */
  function noteWaiting(changed: readonly WaitingRow[], isRetry = false): void {
    const rows = changed.map(fromWaitingRow);
    if (isRetry) feed.retried(rows);
    feed.deliveries(rows);
    feed.announce();
  }

  const scanDeliveries = (filter: DeliveryFilter) =>
    client.call('listDeliveries', filter, rowsUpTo(filter.limit), (part) => partOf(part, fromDeliveryRow));
  const scanEvents = (filter: EventFilter) =>
    client.call('listEvents', filter, rowsUpTo(filter.limit), (part) => partOf(part, fromEventRecordRow));

  return {
    listDeliveries: (query) => listAll(query.limit, toDeliveryFilter(query), scanDeliveries),
    scanDeliveries: (query) => scanDeliveries(toDeliveryFilter(query)),

    getDelivery: async ({ namespace, id }) =>
      client.call('getDelivery', [namespace, id], ONE_ROW, (found) => {
        if (found === undefined) return undefined;
        const attempts = found.attempts.map((row) => fromAttemptRow(row, id));
        const { waitsFor } = found;
        return { ...fromDeliveryRow(found.row), attempts, ...(waitsFor !== undefined && { waitsFor }) };
      }),

    sendersOf: async (ids) => client.call('sendersOf', ids, sized(ids), (found) => found),

    getContents: async (keys) =>
      client.call('getContents', keys.map(keyRow), sized(keys), (found) =>
        found.map((row) => row && fromContentRow(row)),
      ),

    changesSince: async ({ namespace, after = null, limit }) =>
      client.call('changesSince', [namespace, after, limit], rowsUpTo(limit), (found) =>
        found === 'GAP' ? found : { changes: found.rows.map(fromChangeRow), next: found.next },
      ),
    onChanges: (listener) => feed.onChanges(listener),

    retryDeliveries: async (batch) =>
      client.call('retryDeliveries', batch.map(orderRow), sized(batch), ({ results, changed }) => {
        if (changed.length > 0) feed.change();
        noteWaiting(changed, true);
        return results;
      }),

    cancelDeliveries: async (batch) =>
      client.call('cancelDeliveries', batch.map(orderRow), sized(batch), ({ results, changed }) => {
        noteWaiting(changed);
        return results;
      }),

    resolveEvents: async (keys) =>
      client.call('resolveEvents', keys.map(keyRow), sized(keys), (found) => found),

    getEvents: async (keys) =>
      client.call('getEvents', keys.map(keyRow), sized(keys), (found) =>
        found.map((row) => row && fromEventRecordRow(row)),
      ),

    listEvents: (query) => listAll(query.limit, toEventFilter(query), scanEvents),
    scanEvents: (query) => scanEvents(toEventFilter(query)),

    purgeEvents: async (keys) =>
      client.call('purgeEvents', keys.map(keyRow), sized(keys), ({ results, changed }) => {
        noteWaiting(changed);
        return results.map((result) => (result === 'GONE' ? result : { cancelled: result }));
      }),
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

function orderRow({ namespace, id, now, finishedBy }: DeliveryOrder): OrderRow {
  return [namespace, id, now, finishedBy ?? null];
}

function keyRow({ namespace, id }: EventKey | DeliveryKey): [string, string] {
  return [namespace, id];
}
