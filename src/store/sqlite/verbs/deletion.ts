import { IS_RENDERED, PENDING, type RenderedCode, type StateCode } from '../../rows/codes.ts';
import { as, field, integer, layout, orNull, type RowOf, text } from '../../rows/layout.ts';
import type { Context } from '../context.ts';
import { bucketOf } from '../lists/catalog.ts';

/** What has to be known of a delivery, `d`, to delete it. */
export const DELETED = layout(
  field('ord', integer, 'd.ord'),
  field('id', text, 'd.id'),
  field('namespace', text, 'd.namespace'),
  field('webhook', integer, 'd.webhook'),
  field('event', integer, 'd.event'),
  field('type', text, 'd.type'),
  field('state', as<StateCode>(), 'd.state'),
  field('rendered', as<RenderedCode>(), 'd.rendered'),
  field('finishedAt', orNull(integer), 'd.finished_at'),
);
export type DeletedRow = RowOf<typeof DELETED>;

/** Deletes deliveries and events, from every table and list that they are in. */
export interface Deletion {
  /** Deletes deliveries. Returns how many there were of each event, and the latest row of the journal that went. */
  deliveries(rows: readonly DeletedRow[]): { perEvent: ReadonlyMap<number, number>; journal: number };
  /** Deletes an event. Whatever is left of its caller's id is left to others. */
  event(row: {
    readonly key: number;
    readonly id: string;
    readonly namespace: string;
    readonly type: string;
  }): void;
  /** Forgets what lists there were of rows before the first that is left. */
  trim(): void;
}

export function createDeletion(context: Context): Deletion {
  const { db, journal, events, deliveries, ends, waiting, erased, lastAttempts } = context;
  const { at } = DELETED;
  const deleteDelivery = db.prepare('DELETE FROM deliveries WHERE ord = ?');
  const deleteRendered = db.prepare('DELETE FROM renderings WHERE ord = ?');
  const deleteOfType = db.prepare(
    'DELETE FROM delivery_types WHERE bucket = ? AND namespace = ? AND type = ? AND id = ?',
  );
  const deleteOfWebhook = db.prepare(
    'DELETE FROM delivery_webhooks WHERE bucket = ? AND webhook = ? AND type = ? AND id = ?',
  );
  const deleteEvent = db.prepare('DELETE FROM events WHERE key = ?');
  const deleteEventOfType = db.prepare(
    'DELETE FROM event_types WHERE bucket = ? AND namespace = ? AND type = ? AND id = ?',
  );
  const firstOrd = db.prepare<[ord: number | null]>('SELECT min(ord) FROM deliveries');
  const firstKey = db.prepare<[key: number | null]>('SELECT min(key) FROM events');

  return {
    deliveries(rows) {
      const perEvent = new Map<number, number>();
      let latest = 0;
      for (const row of rows) {
        const ord = row[at.ord];
        const [id, type, event, key] = [row[at.id], row[at.type], row[at.event], row[at.webhook]];
        const finishedAt = row[at.finishedAt];
        latest = Math.max(latest, journal.forget(ord));
        deleteOfType.run(bucketOf(ord), row[at.namespace], type, id);
        deleteOfWebhook.run(bucketOf(ord), key, type, id);
        if (finishedAt !== null) ends.remove(ord, finishedAt);
        if (row[at.state] === PENDING) waiting.add({ key, namespace: row[at.namespace] }, -1);
        if (row[at.rendered] === IS_RENDERED) deleteRendered.run(ord);
        deleteDelivery.run(ord);
        erased.delete(ord);
        perEvent.set(event, (perEvent.get(event) ?? 0) + 1);
      }
      lastAttempts.left(latest);
      return { perEvent, journal: latest };
    },
    event({ key, id, namespace, type }) {
      deleteEventOfType.run(bucketOf(key), namespace, type, id);
      deleteEvent.run(key);
    },
    trim() {
      deliveries.trim(firstOrd.get()?.[0] ?? Number.MAX_SAFE_INTEGER);
      events.trim(firstKey.get()?.[0] ?? Number.MAX_SAFE_INTEGER);
    },
  };
}
