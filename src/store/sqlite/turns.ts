import { BACKFILLED, HELD, RUN, type RunCode, SUPERSEDED } from '../rows/codes.ts';
import type { Database } from './database.ts';

/**
 * Runs that take turns. Each webhook has two queues of them; in each the first that waits is never held, or is
 * about to be given up. So what was finished is always followed by the next, also after a crash.
 */
export interface Turns {
  /** How many runs of a queue are not finished; at most `limit` are counted. */
  unfinished(webhook: number, queue: RunCode, limit: number): number;
  /** The place of the last run of a queue that is not finished: when it first became due. Undefined for none. */
  last(webhook: number, queue: RunCode): number | undefined;
  /** Notes that a run of the webhook came in that is held. */
  hold(webhook: number): void;
  /** A delivery of the webhook was finished: lets the next run of each queue go, and returns their places. */
  release(webhook: number, now: number): number[];
  /**
   * A delivery of the webhook was attempted in vain and is to be tried again: if it is a run, and the next that waits
   * takes the place of what was attempted, it is marked to be given up. Returns whether it is.
   */
  giveWay(webhook: number, ord: number): boolean;
  /** Reads anew which webhooks have runs that are held. */
  reload(): void;
}

export function createTurns(db: Database): Turns {
  // One search for each webhook that anything waits for: to read every row could take seconds.
  const selectHolding = db.prepare<[webhook: number]>(`
    WITH RECURSIVE lanes (webhook) AS (
      SELECT min(webhook) FROM deliveries INDEXED BY deliveries_due WHERE state = 0
      UNION ALL
      SELECT (SELECT min(webhook) FROM deliveries INDEXED BY deliveries_due
        WHERE state = 0 AND webhook > lanes.webhook)
      FROM lanes WHERE webhook IS NOT NULL)
    SELECT webhook FROM lanes WHERE EXISTS (
      SELECT 1 FROM deliveries INDEXED BY deliveries_due
      WHERE webhook = lanes.webhook AND state = 0 AND due_at = ${HELD})`);
  const selectHeld = db.prepare(`
    SELECT 1 FROM deliveries INDEXED BY deliveries_due WHERE webhook = ? AND state = 0 AND due_at = ${HELD} LIMIT 1`);
  const selectFirst = db.prepare<[ord: number, dueAt: number, ending: number]>(`
    SELECT ord, due_at, ending FROM deliveries INDEXED BY deliveries_lane
    WHERE webhook = ? AND run = ? AND state = 0 ORDER BY first_due_at, ord LIMIT 1`);
  const selectLast = db.prepare<[firstDueAt: number]>(`
    SELECT first_due_at FROM deliveries INDEXED BY deliveries_lane
    WHERE webhook = ? AND run = ? AND state = 0 ORDER BY first_due_at DESC LIMIT 1`);
  const count = db.prepare<[count: number]>(`
    SELECT count(*) FROM (
      SELECT 1 FROM deliveries INDEXED BY deliveries_lane WHERE webhook = ? AND run = ? AND state = 0 LIMIT ?)`);
  const giveWay = db.prepare(`
    UPDATE deliveries SET ending = ${SUPERSEDED}
    WHERE ord = ?2 AND run = ${RUN} AND state = 0 AND ending = 0 AND 0 < (
      SELECT turn FROM deliveries INDEXED BY deliveries_lane
      WHERE webhook = ?1 AND run = ${RUN} AND state = 0
        AND (first_due_at, ord) > (SELECT first_due_at, ord FROM deliveries WHERE ord = ?2)
      ORDER BY first_due_at, ord LIMIT 1)`);
  const release = db.prepare('UPDATE deliveries SET due_at = ? WHERE ord = ?');
  /** Webhooks that may have runs that are held. Most have none, and cost nothing. */
  const holding = new Set<number>();

  function reload(): void {
    holding.clear();
    for (const [webhook] of selectHolding.all()) holding.add(webhook);
  }

  reload();
  return {
    unfinished: (webhook, queue, limit) => count.get(webhook, queue, limit)?.[0] ?? 0,
    last: (webhook, queue) => selectLast.get(webhook, queue)?.[0],
    hold: (webhook) => void holding.add(webhook),
    release(webhook, now) {
      if (!holding.has(webhook)) return [];
      const released: number[] = [];
      for (const queue of [RUN, BACKFILLED]) {
        const [ord, dueAt, ending] = selectFirst.get(webhook, queue) ?? [];
        // One that is to be given up is settled without having gone, and that lets the next go.
        if (ord === undefined || dueAt !== HELD || ending !== 0) continue;
        release.run(now, ord);
        released.push(ord);
      }
      if (selectHeld.get(webhook) === undefined) holding.delete(webhook);
      return released;
    },
    giveWay: (webhook, ord) => holding.has(webhook) && giveWay.run(webhook, ord).changes !== 0,
    reload,
  };
}
