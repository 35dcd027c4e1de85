import { SWEEP_BATCH } from '../store.ts';
import { BUCKET_BITS } from './catalog.ts';
import type { Context } from './context.ts';
import type { Statement } from './database.ts';
import type { Verbs } from './protocol.ts';
import { createErasure } from './purge.ts';
import { createRemoval } from './removal.ts';

type Expired = [ord: number, id: string, webhook: number, rendered: number, event: number, ...OfEvent];
type OfEvent = [namespace: string, type: string];
type Old = [key: number, createdAt: number, isInUse: number];

export function sweepVerbs(context: Context): Pick<Verbs, 'sweep'> {
  const { db, journal, events, deliveries } = context;
  const removal = createRemoval(context);
  const erasure = createErasure(context);

  const selectExpired = db.prepare<Expired>(`
    SELECT d.ord, d.id, d.webhook, d.rendered, d.event, d.namespace, e.type
    FROM deliveries AS d INDEXED BY deliveries_finished JOIN events AS e ON e.key = d.event
    WHERE d.finished_at < ? ORDER BY d.finished_at LIMIT ?`);
  const deleteDelivery = db.prepare('DELETE FROM deliveries WHERE ord = ?');
  const deleteRendered = db.prepare('DELETE FROM renderings WHERE ord = ?');
  const deleteOfType = db.prepare(
    'DELETE FROM delivery_types WHERE bucket = ? AND namespace = ? AND type = ? AND id = ?',
  );
  const deleteOfWebhook = db.prepare(
    'DELETE FROM delivery_webhooks WHERE bucket = ? AND webhook = ? AND id = ?',
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

  const unheard = createWalk(
    db.prepare<Old>(`
      SELECT key, created_at, ifnull(known_until, 0) > ?5 FROM events INDEXED BY events_unheard
      WHERE deliveries = 0 AND created_at < ?1 AND (created_at, key) > (?2, ?3)
      ORDER BY created_at, key LIMIT ?4`),
  );
  const withData = createWalk(
    db.prepare<Old>(`
      SELECT key, created_at, EXISTS (
        SELECT 1 FROM deliveries INDEXED BY deliveries_event WHERE event = events.key AND state = 0) AND ?5 > 0
      FROM events INDEXED BY events_body
      WHERE body IS NOT NULL AND created_at < ?1 AND (created_at, key) > (?2, ?3)
      ORDER BY created_at, key LIMIT ?4`),
  );

  /** Deletes an event of which nothing is left, not even its name. */
  function forget(key: number, now: number): void {
    const event = selectEvent.get(key, now);
    if (event === undefined) return;
    const [id, namespace, type] = event;
    deleteEventOfType.run(key >> BUCKET_BITS, namespace, type, id);
    deleteEvent.run(key);
  }

  function expire(now: number, finishedBefore: number, limit: number): number {
    const expired = selectExpired.all(finishedBefore, limit);
    const perEvent = new Map<number, number>();
    let after = 0;
    for (const [ord, id, webhook, rendered, event, namespace, type] of expired) {
      after = Math.max(after, journal.forget(ord));
      deleteOfType.run(ord >> BUCKET_BITS, namespace, type, id);
      deleteOfWebhook.run(ord >> BUCKET_BITS, webhook, id);
      if (rendered === 1) deleteRendered.run(ord);
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

  /** Whether anything was changed since the walks began: what they passed over may be free by then. */
  let worked = false;

  /** Goes on with the walks. Returns 0 when both are at their end. */
  function walk(now: number, finishedBefore: number, payloadsBefore: number, limit: number): number {
    if (limit <= 0) return 0;
    const forgotten = unheard.next(finishedBefore, limit, now, (key) => forget(key, now));
    const erased = withData.next(payloadsBefore, limit - forgotten, now, (key) => erasure.erase(key));
    worked ||= forgotten + erased > 0;
    return forgotten + erased + (unheard.isAtEnd() && withData.isAtEnd() ? 0 : 1);
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
        // What was passed over before other things were swept may be free by now.
        if (worked) touched = walk(now, finishedBefore, payloadsBefore, SWEEP_BATCH);
        worked = false;
        if (touched === 0) restart();
      }
      return { touched, cancelled };
    },
  };
}

/** A walk through old events, a few at a time. */
interface Walk {
  /** Visits those of up to `limit` more that are not in use. Returns how many it visited. */
  readonly next: (before: number, limit: number, now: number, visit: (key: number) => void) => number;
  readonly isAtEnd: () => boolean;
  readonly restart: () => void;
}

/** What is in use is passed over, for else it would be looked at again and again. */
function createWalk(select: Statement<Old>): Walk {
  const start = [Number.MIN_SAFE_INTEGER, 0] as const;
  let at: readonly [createdAt: number, key: number] | undefined = start;
  return {
    next(before, limit, now, visit) {
      if (at === undefined || limit <= 0) return 0;
      const found = select.all(before, ...at, limit, now);
      const free = found.filter(([, , isInUse]) => isInUse === 0);
      for (const [key] of free) visit(key);
      const last = found.at(-1);
      at = last === undefined || found.length < limit ? undefined : [last[1], last[0]];
      return free.length;
    },
    isAtEnd: () => at === undefined,
    restart() {
      at = start;
    },
  };
}
