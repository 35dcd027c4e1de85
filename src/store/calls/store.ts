import { fromWaitingRow } from '../rows/delivery.ts';
import type { WaitingRow } from '../rows/tables.ts';
import type { Store } from '../store.ts';
import { auditLog } from './audit-log.ts';
import { soleNode } from './cluster.ts';
import { type Connection, ONE_ROW } from './connection.ts';
import { deliveryLog } from './delivery-log.ts';
import { deliveryQueue } from './delivery-queue.ts';
import { intake } from './intake.ts';
import { keys } from './keys.ts';
import { moving } from './moving.ts';
import { namespaceKeys } from './namespace-keys.ts';
import { namespaces } from './namespaces.ts';
import { registrations } from './registrations.ts';
import { requests } from './requests.ts';
import { sealing } from './sealing.ts';
import type { MovePlace } from './shapes.ts';
import { standingBy } from './standing-by.ts';

/** The port on an adapter that has opened its database. `ending` are rows for the first poll. */
export function storeOn(connection: Connection, ending: readonly WaitingRow[]): Store {
  const { client, feed } = connection;
  const { lives, ...cluster } = soleNode();
  feed.deliveries(ending.map(fromWaitingRow));

  return {
    ...namespaces(connection),
    ...registrations(connection),
    ...intake(connection),
    ...deliveryQueue(connection, lives),
    ...deliveryLog(connection),
    ...requests(connection),
    ...namespaceKeys(connection),
    ...keys(connection),
    ...sealing(connection),
    ...auditLog(connection),
    ...cluster,
    ...standingBy(connection),
    ...moving(connection),

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
    async tidy({ now, finishedBefore }) {
      await client.call('tidy', [now, finishedBefore], ONE_ROW, () => null);
    },
    rewrite: async () => client.call('rewrite', null, ONE_ROW, (emptied) => emptied),

    checkUp: async () => client.call('checkUp', null, ONE_ROW, (trouble) => trouble),

    close: () => client.close(),
  };
}
