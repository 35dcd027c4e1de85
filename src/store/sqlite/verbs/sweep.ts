import { SWEEP_BATCH } from '../../housekeeping.ts';
import type { Context } from '../context.ts';
import { bucketOf } from '../lists/catalog.ts';
import { walkThroughData, walkThroughUnheard } from '../lists/walks.ts';
import type { Verbs } from '../protocol.ts';
import type { Flag } from '../rows/codes.ts';
import { as, field, integer, layout, type RowOf, text } from '../rows/layout.ts';
import { createErasure } from './purge.ts';
import { createRemoval } from './removal.ts';

/** An entry of `delivery_ends`, `x`, and what has to be known of its delivery, `d`, to delete it. */
const EXPIRED = layout(
  field('ord', integer, 'd.ord'),
  field('id', text, 'd.id'),
  field('namespace', text, 'd.namespace'),
  field('webhook', integer, 'd.webhook'),
  field('event', integer, 'd.event'),
  field('type', text, 'd.type'),
  field('rendered', as<Flag>(), 'd.rendered'),
  field('finishedAt', integer, 'x.finished_at'),
);

/** Deliveries deleted at a time. They are old, so most of their pages have to be read from the disk. */
const EXPIRED_MAX = 200;

export function sweepVerbs(context: Context): Pick<Verbs, 'sweep'> {
  const { db, journal, events, deliveries, ends } = context;
  const { at } = EXPIRED;
  const removal = createRemoval(context);
  const erasure = createErasure(context);

  const selectExpired = db.prepare<RowOf<typeof EXPIRED>>(`
    SELECT ${EXPIRED.columns}
    FROM delivery_ends AS x CROSS JOIN deliveries AS d ON d.ord = x.key
    WHERE x.finished_at < ? ORDER BY x.finished_at, x.key LIMIT ?`);
  const selectLoose = db.prepare('SELECT 1 FROM deliveries WHERE ord > ? AND +finished_at < ? LIMIT 1');
  const deleteDelivery = db.prepare('DELETE FROM deliveries WHERE ord = ?');
  const deleteRendered = db.prepare('DELETE FROM renderings WHERE ord = ?');
  const deleteOfType = db.prepare(
    'DELETE FROM delivery_types WHERE bucket = ? AND namespace = ? AND type = ? AND id = ?',
  );
  const deleteOfWebhook = db.prepare(
    'DELETE FROM delivery_webhooks WHERE bucket = ? AND webhook = ? AND type = ? AND id = ?',
  );
  const firstOrd = db.prepare<[ord: number | null]>('SELECT min(ord) FROM deliveries');

  const release = db.prepare('UPDATE events SET deliveries = deliveries - ? WHERE key = ?');
  const selectEvent = db.prepare<[id: string, namespace: string, type: string]>(
    'SELECT id, namespace, type FROM events WHERE key = ? AND deliveries = 0 AND ifnull(known_until, 0) <= ?',
  );
  const deleteEvent = db.prepare('DELETE FROM events WHERE key = ?');
  const deleteEventOfType = db.prepare(
    'DELETE FROM event_types WHERE bucket = ? AND namespace = ? AND type = ? AND id = ?',
  );
  const firstKey = db.prepare<[key: number | null]>('SELECT min(key) FROM events');

  const unheard = walkThroughUnheard(context);
  const withData = walkThroughData(context);

  /** Deletes an event if it has no deliveries left and its caller's id is not remembered any more. */
  function forget(key: number, now: number): void {
    const event = selectEvent.get(key, now);
    if (event === undefined) return;
    const [id, namespace, type] = event;
    deleteEventOfType.run(bucketOf(key), namespace, type, id);
    deleteEvent.run(key);
  }

  function expire(now: number, finishedBefore: number, limit: number): number {
    if (selectLoose.get(deliveries.upto(), finishedBefore) !== undefined) context.enterDeliveries();
    const expired = selectExpired.all(finishedBefore, Math.min(limit, EXPIRED_MAX));
    const perEvent = new Map<number, number>();
    let after = 0;
    for (const row of expired) {
      const ord = row[at.ord];
      const id = row[at.id];
      const type = row[at.type];
      const event = row[at.event];
      after = Math.max(after, journal.forget(ord));
      deleteOfType.run(bucketOf(ord), row[at.namespace], type, id);
      deleteOfWebhook.run(bucketOf(ord), row[at.webhook], type, id);
      ends.remove(ord, row[at.finishedAt]);
      if (row[at.rendered] === 1) deleteRendered.run(ord);
      deleteDelivery.run(ord);
      perEvent.set(event, (perEvent.get(event) ?? 0) + 1);
    }
    for (const [event, count] of perEvent) {
      release.run(count, event);
      forget(event, now);
    }
    if (expired.length > 0) {
      journal.keep(after);
      deliveries.trim(firstOrd.get()?.[0] ?? Number.MAX_SAFE_INTEGER);
      events.trim(firstKey.get()?.[0] ?? Number.MAX_SAFE_INTEGER);
    }
    return expired.length;
  }

  /** Whether anything was swept since the walks began. Events that they passed over may be free since then. */
  let worked = false;

  /** Goes on with the walks. Returns 0 when both are at their end. */
  function walk(now: number, finishedBefore: number, payloadsBefore: number, limit: number): number {
    if (limit <= 0) return 0;
    const forgotten = unheard.next(finishedBefore, limit, (key) => forget(key, now), now);
    const erased = withData.next(payloadsBefore, limit - forgotten, erasure.erase);
    worked ||= forgotten + erased > 0;
    const visited = forgotten + erased;
    return visited > 0 || (unheard.isAtEnd() && withData.isAtEnd()) ? visited : 1;
  }

  function restart(): void {
    unheard.restart();
    withData.restart();
  }

  return {
    sweep([now, finishedBefore, payloadsBefore]) {
      const { touched: emptied, cancelled } = removal.sweep(SWEEP_BATCH);
      let touched = emptied;
      touched += expire(now, finishedBefore, SWEEP_BATCH - touched);
      touched += removal.forget(finishedBefore, SWEEP_BATCH - touched);
      worked ||= touched > 0;
      touched += walk(now, finishedBefore, payloadsBefore, SWEEP_BATCH - touched);
      if (touched === 0) {
        restart();
        // Events that the walks passed over may be free by now.
        if (worked) touched = walk(now, finishedBefore, payloadsBefore, SWEEP_BATCH);
        worked = false;
        if (touched === 0) restart();
      }
      return { touched, cancelled };
    },
  };
}
