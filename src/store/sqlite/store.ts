import type { Worker } from 'node:worker_threads';
import type { Store } from '../store.ts';
import { createClient } from './client.ts';
import { createFeed } from './feed.ts';
import type { SqliteSettings } from './options.ts';
import { auditLog } from './port/audit-log.ts';
import { ONE_ROW } from './port/calls.ts';
import { deliveryLog } from './port/delivery-log.ts';
import { deliveryQueue } from './port/delivery-queue.ts';
import { intake } from './port/intake.ts';
import { keys } from './port/keys.ts';
import { namespaceKeys } from './port/namespace-keys.ts';
import { namespaces } from './port/namespaces.ts';
import { registrations } from './port/registrations.ts';
import { requests } from './port/requests.ts';
import { sealing } from './port/sealing.ts';
import type { MovePlace } from './protocol.ts';
import { fromWaitingRow } from './rows/delivery.ts';
import type { WaitingRow } from './rows/tables.ts';

/** The port on a worker that has opened its database. `ending` are rows for the first poll. */
export function sqliteStore(worker: Worker, bounds: SqliteSettings, ending: readonly WaitingRow[]): Store {
  const client = createClient(worker, bounds);
  const feed = createFeed(bounds);
  feed.deliveries(ending.map(fromWaitingRow));
  const connection = { client, feed, defaults: bounds };

  return {
    ...namespaces(connection),
    ...registrations(connection),
    ...intake(connection),
    ...deliveryQueue(connection),
    ...deliveryLog(connection),
    ...requests(connection),
    ...namespaceKeys(connection),
    ...keys(connection),
    ...sealing(connection),
    ...auditLog(connection),

    sweep: async ({ now, finishedBefore, payloadsBefore }) =>
      client.call('sweep', [now, finishedBefore, payloadsBefore], ONE_ROW, ({ touched, cancelled, gone }) => {
        if (cancelled > 0) feed.change();
        if (gone > 0) feed.namespace();
        feed.announce();
        return touched;
      }),

    async comeBack({ now, awayMs }) {
      return client.call('comeBack', [now, awayMs], ONE_ROW, (aliveAt) => aliveAt ?? undefined);
    },

    async moveBack({ byMs, now }) {
      let place: MovePlace | null = null;
      do {
        place = await client.call('moveBack', [byMs, now, place], ONE_ROW, (next): MovePlace | null => next);
      } while (place !== null);
    },

    emptyLog: async () => client.call('emptyLog', null, ONE_ROW, (emptied) => emptied),
    rewrite: async () => client.call('rewrite', null, ONE_ROW, (emptied) => emptied),

    checkUp: async () => client.call('checkUp', null, ONE_ROW, (trouble) => trouble),

    close: () => client.close(),
  };
}
