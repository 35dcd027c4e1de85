import { SWEEP_BATCH } from '../../housekeeping.ts';
import type { Context } from '../context.ts';
import { createEventIds } from '../event-ids.ts';
import { walkThroughData } from '../lists/walks.ts';
import type { Verbs } from '../protocol.ts';
import { DAY_MS } from '../space/days.ts';
import { auditSweep } from './audit.ts';
import { aliveNote } from './clock.ts';
import { createDayRemoval } from './days.ts';
import { createDeletion, DELETED, type DeletedRow } from './deletion.ts';
import { createNamespaceRemoval } from './namespace-removal.ts';
import { createErasure } from './purge.ts';
import { createRemoval } from './removal.ts';
import { requestSweep } from './requests.ts';
import { secretSweep } from './secrets.ts';

/** Deliveries deleted at a time. */
const EXPIRED_MAX = 200;
/** What is kept for less than that goes row by row: whole days would be kept for much longer than they should. */
const WHOLE_DAYS_MS = 7 * DAY_MS;

export function sweepVerbs(context: Context): Pick<Verbs, 'sweep'> {
  const { db, journal } = context;
  const removal = createRemoval(context);
  const namespaceRemoval = createNamespaceRemoval(context);
  const deletion = createDeletion(context);
  const days = createDayRemoval(context);
  const erasure = createErasure(context);
  const eventIds = createEventIds(db);
  const alive = aliveNote(db);
  const forgetRequests = requestSweep(db);
  const forgetSecrets = secretSweep(db);
  const forgetEntries = auditSweep(db);
  const withData = walkThroughData(db);

  const expiredOf = (table: string) =>
    db.prepare<DeletedRow>(`
      SELECT ${DELETED.columns} FROM ${table} AS d WHERE d.finished_at < ? ORDER BY d.finished_at, d.id LIMIT ?`);
  const selectExpired = expiredOf('@history');
  const selectExpiredOfRest = expiredOf('@history_rest');
  const selectUnheard = db.prepare<[key: number]>(`
    SELECT key FROM @events WHERE deliveries = 0 AND created_at < ? ORDER BY created_at, key LIMIT ?`);

  /** Deletes events that have no deliveries, by the time at which they were made. */
  async function forgetUnheard(now: number, createdBefore: number, limit: number): Promise<number> {
    if (limit <= 0) return 0;
    const unheard = (await selectUnheard.all(createdBefore, limit)).map(([key]) => key);
    await deletion.events(unheard, now);
    return unheard.length;
  }

  async function expire(now: number, finishedBefore: number, limit: number): Promise<number> {
    if (limit <= 0) return 0;
    const select = now - finishedBefore < WHOLE_DAYS_MS ? selectExpired : selectExpiredOfRest;
    const expired = await select.all(finishedBefore, Math.min(limit, EXPIRED_MAX));
    if (expired.length === 0) return 0;
    const { perEvent, journal: latest } = await deletion.deliveries(expired);
    await deletion.release(perEvent);
    await deletion.events([...perEvent.keys()], now);
    await journal.keep(latest);
    return expired.length;
  }

  /** Whether anything was swept since the walk began. Events that it passed over may be free since then. */
  let worked = false;

  /** Goes on with the walk. Returns 0 when it is at its end. */
  async function walk(payloadsBefore: number, limit: number): Promise<number> {
    if (limit <= 0) return 0;
    const erased = await withData.next(payloadsBefore, limit, erasure.erase);
    worked ||= erased > 0;
    return erased > 0 || withData.isAtEnd() ? erased : 1;
  }

  return {
    async sweep([now, finishedBefore, payloadsBefore]) {
      await alive.refresh(now);
      const { touched: emptied, cancelled } = await removal.sweep(SWEEP_BATCH);
      const { touched: deleted, gone } = await namespaceRemoval.step(now, SWEEP_BATCH - emptied);
      let touched = emptied + deleted;
      touched += await expire(now, finishedBefore, SWEEP_BATCH - touched);
      touched += await days.step(now, SWEEP_BATCH - touched);
      touched += await removal.forget(finishedBefore, SWEEP_BATCH - touched);
      touched += await forgetUnheard(now, finishedBefore, SWEEP_BATCH - touched);
      touched += await eventIds.forget(now, SWEEP_BATCH - touched);
      touched += await forgetRequests(now, SWEEP_BATCH - touched);
      touched += await forgetSecrets(now, SWEEP_BATCH - touched);
      touched += await forgetEntries(finishedBefore, SWEEP_BATCH - touched);
      worked ||= touched > 0;
      touched += await walk(payloadsBefore, SWEEP_BATCH - touched);
      if (touched === 0) {
        withData.restart();
        // Events that the walk passed over may be free by now.
        if (worked) touched = await walk(payloadsBefore, SWEEP_BATCH);
        worked = false;
        if (touched === 0) withData.restart();
      }
      return { touched, cancelled, gone };
    },
  };
}
