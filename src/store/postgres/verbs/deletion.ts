import { PENDING, type StateCode } from '../../rows/codes.ts';
import { as, field, integer, layout, type RowOf, text } from '../../rows/layout.ts';
import type { Context } from '../context.ts';
import { createEventIds } from '../event-ids.ts';

/** What has to be known of a delivery, `d`, to delete it. */
export const DELETED = layout(
  field('id', text, 'd.id'),
  field('namespace', text, 'd.namespace'),
  field('webhook', integer, 'd.webhook'),
  field('event', integer, 'd.event'),
  field('state', as<StateCode>(), 'd.state'),
);
export type DeletedRow = RowOf<typeof DELETED>;

/** Deletes deliveries and events, and all that there is about them. */
export interface Deletion {
  /** Deletes deliveries. Returns how many there were of each event, and the latest row of the journal that went. */
  readonly deliveries: (
    rows: readonly DeletedRow[],
  ) => Promise<{ perEvent: ReadonlyMap<number, number>; journal: number }>;
  /** Events have so many deliveries less. */
  readonly release: (perEvent: ReadonlyMap<number, number>) => Promise<void>;
  /** Deletes those of these events that have no deliveries. Their callers' ids may have to stay taken for longer. */
  readonly events: (keys: readonly number[], now: number) => Promise<void>;
}

export function createDeletion(context: Context): Deletion {
  const { db, journal, lastAttempts, erased } = context;
  const { at } = DELETED;
  const eventIds = createEventIds(db);
  const deleteWaiting = db.prepare('DELETE FROM @waiting WHERE id = ANY(?)');
  const deleteFinished = db.prepare('DELETE FROM @history WHERE id = ANY(?)');
  const deleteRendered = db.prepare('DELETE FROM @renderings WHERE id = ANY(?)');
  const release = db.prepare(`
    UPDATE @events AS e SET deliveries = e.deliveries - v.count
    FROM unnest(?::bigint[], ?::bigint[]) AS v (key, count) WHERE e.key = v.key`);
  const selectUnheard = db.prepare<[key: number]>(
    'SELECT key FROM @events WHERE key = ANY(?) AND deliveries = 0',
  );
  const deleteEvents = db.prepare('DELETE FROM @events WHERE key = ANY(?)');

  return {
    async deliveries(rows) {
      const perEvent = new Map<number, number>();
      if (rows.length === 0) return { perEvent, journal: 0 };
      const ids = rows.map((row) => row[at.id]);
      for (const row of rows) {
        const event = row[at.event];
        perEvent.set(event, (perEvent.get(event) ?? 0) + 1);
        const lane = { key: row[at.webhook], namespace: row[at.namespace] };
        if (row[at.state] === PENDING) context.waiting.add(lane, -1);
      }
      const [latest] = await Promise.all([
        journal.forget(ids),
        deleteWaiting.run(ids),
        deleteFinished.run(ids),
        deleteRendered.run(ids),
      ]);
      await lastAttempts.left(latest);
      erased.of('history', ids);
      erased.of('journal', ids);
      erased.in('renderings');
      return { perEvent, journal: latest };
    },
    async release(perEvent) {
      if (perEvent.size > 0) await release.run([...perEvent.keys()], [...perEvent.values()]);
    },
    async events(keys, now) {
      if (keys.length === 0) return;
      const unheard = (await selectUnheard.all(keys)).map(([key]) => key);
      if (unheard.length > 0) erased.in('events');
      await eventIds.release(unheard, now);
      await deleteEvents.run(unheard);
    },
  };
}
