import { SWEEP_BATCH } from '../../housekeeping.ts';
import { field, integer, layout, orNull, type RowOf, text } from '../../rows/layout.ts';
import type { Context } from '../context.ts';
import { walkThroughData } from '../lists/walks.ts';
import type { Verbs } from '../protocol.ts';
import { auditSweep } from './audit.ts';
import { aliveNote } from './clock.ts';
import { createDeletion, DELETED, type DeletedRow } from './deletion.ts';
import { createNamespaceRemoval } from './namespace-removal.ts';
import { createErasure } from './purge.ts';
import { createRemoval } from './removal.ts';
import { requestSweep } from './requests.ts';
import { secretSweep } from './secrets.ts';

/** What has to be known of an event without deliveries to delete it. */
const UNUSED = layout(
  field('id', text),
  field('callerId', orNull(text)),
  field('namespace', text),
  field('type', text),
  field('knownUntil', orNull(integer)),
);

/** Deliveries deleted at a time. They are old, so most of their pages have to be read from the disk. */
const EXPIRED_MAX = 200;

export function sweepVerbs(context: Context): Pick<Verbs, 'sweep'> {
  const { db, journal, deliveries, eventIds } = context;
  const removal = createRemoval(context);
  const namespaceRemoval = createNamespaceRemoval(context);
  const deletion = createDeletion(context);
  const erasure = createErasure(context);

  const selectExpired = db.prepare<DeletedRow>(`
    SELECT ${DELETED.columns}
    FROM delivery_ends AS x CROSS JOIN deliveries AS d ON d.ord = x.key
    WHERE x.finished_at < ? ORDER BY x.finished_at, x.key LIMIT ?`);
  const selectLoose = db.prepare('SELECT 1 FROM deliveries WHERE ord > ? AND +finished_at < ? LIMIT 1');

  const release = db.prepare('UPDATE events SET deliveries = deliveries - ? WHERE key = ?');
  const selectUnheard = db.prepare<[key: number]>(`
    SELECT key FROM events INDEXED BY events_unheard
    WHERE deliveries = 0 AND created_at < ? ORDER BY created_at, key LIMIT ?`);
  const selectEvent = db.prepare<RowOf<typeof UNUSED>>(
    `SELECT ${UNUSED.columns} FROM events WHERE key = ? AND deliveries = 0`,
  );

  const alive = aliveNote(db);
  const forgetRequests = requestSweep(db);
  const forgetSecrets = secretSweep(db);
  const forgetEntries = auditSweep(db);
  const withData = walkThroughData(context);

  /** Deletes an event if it has no deliveries left. Its caller's id may have to stay taken for longer. */
  function forget(key: number, now: number): void {
    const event = selectEvent.get(key);
    if (event === undefined) return;
    const [id, callerId, namespace, type, knownUntil] = event;
    if (callerId !== null) eventIds.release({ key, namespace, callerId, knownUntil: knownUntil ?? 0 }, now);
    deletion.event({ key, id, namespace, type });
  }

  /** Deletes events that have no deliveries, by the time at which they were made. */
  function forgetUnheard(now: number, createdBefore: number, limit: number): number {
    const unheard = selectUnheard.all(createdBefore, limit);
    for (const [key] of unheard) forget(key, now);
    return unheard.length;
  }

  function expire(now: number, finishedBefore: number, limit: number): number {
    if (selectLoose.get(deliveries.upto(), finishedBefore) !== undefined) context.enterDeliveries();
    const expired = selectExpired.all(finishedBefore, Math.min(limit, EXPIRED_MAX));
    const { perEvent, journal: latest } = deletion.deliveries(expired);
    for (const [event, count] of perEvent) {
      release.run(count, event);
      forget(event, now);
    }
    if (expired.length > 0) {
      journal.keep(latest);
      deletion.trim();
    }
    return expired.length;
  }

  /** Whether anything was swept since the walk began. Events that it passed over may be free since then. */
  let worked = false;

  /** Goes on with the walk. Returns 0 when it is at its end. */
  function walk(payloadsBefore: number, limit: number): number {
    if (limit <= 0) return 0;
    const erased = withData.next(payloadsBefore, limit, erasure.erase);
    worked ||= erased > 0;
    return erased > 0 || withData.isAtEnd() ? erased : 1;
  }

  return {
    sweep([now, finishedBefore, payloadsBefore]) {
      alive.refresh(now);
      const { touched: emptied, cancelled } = removal.sweep(SWEEP_BATCH);
      const { touched: deleted, gone } = namespaceRemoval.step(now, SWEEP_BATCH - emptied);
      let touched = emptied + deleted;
      touched += expire(now, finishedBefore, SWEEP_BATCH - touched);
      touched += removal.forget(finishedBefore, SWEEP_BATCH - touched);
      touched += forgetUnheard(now, finishedBefore, SWEEP_BATCH - touched);
      touched += eventIds.forget(now, SWEEP_BATCH - touched);
      touched += forgetRequests(now, SWEEP_BATCH - touched);
      touched += forgetSecrets(now, SWEEP_BATCH - touched);
      touched += forgetEntries(finishedBefore, SWEEP_BATCH - touched);
      worked ||= touched > 0;
      touched += walk(payloadsBefore, SWEEP_BATCH - touched);
      if (touched === 0) {
        withData.restart();
        // Events that the walk passed over may be free by now.
        if (worked) touched = walk(payloadsBefore, SWEEP_BATCH);
        worked = false;
        if (touched === 0) withData.restart();
      }
      return { touched, cancelled, gone };
    },
  };
}
