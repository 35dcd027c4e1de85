import { QUEUES } from '../rows/codes.ts';
import type { Database } from './database.ts';

export interface First {
  readonly ord: number;
  readonly id: string;
  readonly dueAt: number;
}

/** Finds which delivery goes first of a webhook; undefined where nothing waits, or the webhook is not ordered. */
export function firstInOrderFinder(db: Database): (webhook: number) => First | undefined {
  const isOrdered = db.prepare<[isOrdered: number | null]>(
    "SELECT json_extract(spec, '$.limits.ordered') FROM webhooks WHERE key = ? AND removed_at IS NULL",
  );
  const select = db.prepare<[firstDueAt: number, ord: number, id: string, dueAt: number]>(`
    SELECT first_due_at, ord, id, due_at FROM deliveries INDEXED BY deliveries_lane
    WHERE webhook = ? AND run = ? AND state = 0 ORDER BY first_due_at, ord LIMIT 1`);

  return (webhook) => {
    if (isOrdered.get(webhook)?.[0] !== 1) return undefined;
    // The index has those of each queue of runs apart.
    const [first] = QUEUES.map((queue) => select.get(webhook, queue))
      .filter((found) => found !== undefined)
      .sort((a, b) => a[0] - b[0] || a[1] - b[1]);
    if (first === undefined) return undefined;
    const [, ord, id, dueAt] = first;
    return { ord, id, dueAt };
  };
}
