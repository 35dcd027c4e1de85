import { BACKFILLED, HELD, RUN, type RunCode, SUPERSEDED } from '../rows/codes.ts';
import type { Database } from './database.ts';

/**
 * Runs that take turns. Each webhook has two queues of them; in each the first that waits is never held, or is
 * about to be given up. So what was finished is always followed by the next, also after a crash.
 */
export interface Turns {
  /** How many runs of a queue are not finished; at most `limit` are counted. */
  unfinished(webhook: number, queue: RunCode, limit: number): Promise<number>;
  /** The place of the last run of a queue that is not finished: when it first became due. Undefined for none. */
  last(webhook: number, queue: RunCode): Promise<number | undefined>;
  /** Notes that a run of the webhook came in that is held. */
  hold(webhook: number): void;
  /** Whether any run of the webhook may be held. */
  isHolding(webhook: number): boolean;
  /** Deliveries of the webhook were finished: lets the next run of each queue go, and returns their ids. */
  release(webhook: number, now: number): Promise<string[]>;
  /**
   * A delivery of the webhook was attempted in vain and is to be tried again: if it is a run, and the next that waits
   * takes the place of what was attempted, it is marked to be given up. Returns whether it is.
   */
  giveWay(webhook: number, id: string): Promise<boolean>;
  /** Reads anew which webhooks have runs that are held. */
  reload(): Promise<void>;
}

export function createTurns(db: Database): Turns {
  const selectHolding = db.prepare<[webhook: number]>(
    `SELECT DISTINCT webhook FROM @waiting WHERE run > 0 AND due_at = ${HELD}`,
  );
  const selectHeld = db.prepare(
    `SELECT 1 FROM @waiting WHERE webhook = ? AND run > 0 AND due_at = ${HELD} LIMIT 1`,
  );
  const selectFirst = db.prepare<[id: string, dueAt: number, ending: number]>(`
    SELECT id, due_at, ending FROM @waiting
    WHERE webhook = ? AND run = ? AND run > 0 ORDER BY first_due_at, ord LIMIT 1`);
  const selectLast = db.prepare<[firstDueAt: number]>(`
    SELECT first_due_at FROM @waiting WHERE webhook = ? AND run = ? AND run > 0
    ORDER BY first_due_at DESC LIMIT 1`);
  const count = db.prepare<[count: number]>(`
    SELECT count(*) FROM (SELECT 1 FROM @waiting WHERE webhook = ? AND run = ? AND run > 0 LIMIT ?) AS few`);
  const giveWay = db.prepare(`
    UPDATE @waiting AS d SET ending = ${SUPERSEDED}, xid = pg_current_xact_id()
    WHERE d.id = ?2 AND d.run = ${RUN} AND d.ending = 0 AND 0 < (
      SELECT n.turn FROM @waiting AS n
      WHERE n.webhook = ?1 AND n.run = ${RUN} AND (n.first_due_at, n.ord) > (d.first_due_at, d.ord)
      ORDER BY n.first_due_at, n.ord LIMIT 1)`);
  const release = db.prepare('UPDATE @waiting SET due_at = ?, xid = pg_current_xact_id() WHERE id = ?');
  /** Webhooks that may have runs that are held. Most have none, and cost nothing. */
  const holding = new Set<number>();

  return {
    unfinished: async (webhook, queue, limit) => (await count.get(webhook, queue, limit))?.[0] ?? 0,
    last: async (webhook, queue) => (await selectLast.get(webhook, queue))?.[0],
    hold: (webhook) => void holding.add(webhook),
    isHolding: (webhook) => holding.has(webhook),
    async release(webhook, now) {
      if (!holding.has(webhook)) return [];
      const released: string[] = [];
      for (const queue of [RUN, BACKFILLED] as const) {
        const [id, dueAt, ending] = (await selectFirst.get(webhook, queue)) ?? [];
        // One that is to be given up is settled without having gone, and that lets the next go.
        if (id === undefined || dueAt !== HELD || ending !== 0) continue;
        await release.run(now, id);
        released.push(id);
      }
      if ((await selectHeld.get(webhook)) === undefined) holding.delete(webhook);
      return released;
    },
    giveWay: async (webhook, id) => holding.has(webhook) && (await giveWay.run(webhook, id)) !== 0,
    async reload() {
      holding.clear();
      for (const [webhook] of await selectHolding.all()) holding.add(webhook);
    },
  };
}
