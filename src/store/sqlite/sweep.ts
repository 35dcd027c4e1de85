import { SWEEP_BATCH } from '../store.ts';
import type { Context } from './context.ts';
import type { Verbs } from './protocol.ts';
import { createRemoval } from './removal.ts';

export function sweepVerbs(context: Context): Pick<Verbs, 'sweep'> {
  const { db, history } = context;
  const removal = createRemoval(context);

  const selectSettledExpired = db.prepare('SELECT 1 FROM settled WHERE finished_at < ? LIMIT 1');
  const selectExpired = db.prepare<[id: string, eventId: string]>(
    'SELECT id, event_id FROM deliveries WHERE finished_at < ? ORDER BY finished_at LIMIT ?',
  );
  const deleteAttempts = db.prepare('DELETE FROM attempts WHERE delivery_id = ?');
  const deleteDelivery = db.prepare('DELETE FROM deliveries WHERE id = ?');
  const releaseEvent = db.prepare(
    'UPDATE events SET deliveries = deliveries - ? WHERE id = ? AND deliveries > ?',
  );
  const deleteEvent = db.prepare('DELETE FROM events WHERE id = ?');
  const deleteUnheard = db.prepare(`
    DELETE FROM events WHERE rowid IN (
      SELECT rowid FROM events WHERE deliveries = 0 AND created_at < ? LIMIT ?)`);

  function expire(finishedBefore: number, limit: number): number {
    history.settle(selectSettledExpired.get(finishedBefore) === undefined ? 'ENOUGH' : 'ALWAYS');
    const expired = selectExpired.all(finishedBefore, limit);
    const perEvent = new Map<string, number>();
    for (const [id, eventId] of expired) {
      deleteAttempts.run(id);
      deleteDelivery.run(id);
      perEvent.set(eventId, (perEvent.get(eventId) ?? 0) + 1);
    }
    for (const [eventId, count] of perEvent) {
      if (releaseEvent.run(count, eventId, count).changes === 0) deleteEvent.run(eventId);
    }
    return expired.length;
  }

  return {
    sweep(finishedBefore) {
      let touched = removal.sweep(SWEEP_BATCH);
      touched += expire(finishedBefore, SWEEP_BATCH - touched);
      // Events that nobody was to hear of have no delivery to go with.
      touched += Number(deleteUnheard.run(finishedBefore, SWEEP_BATCH - touched).changes);
      return touched;
    },
  };
}
