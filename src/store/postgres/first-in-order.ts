import type { Database } from './database.ts';

export interface First {
  readonly id: string;
  readonly dueAt: number;
}

/** Finds which delivery goes first of a webhook; undefined where nothing waits, or the webhook is not ordered. */
export function firstInOrderFinder(db: Database): (webhook: number) => Promise<First | undefined> {
  const select = db.prepare<[isOrdered: string | null, id: string | null, dueAt: number | null]>(`
    SELECT w.spec::json #>> '{limits,ordered}', first.id, first.due_at
    FROM @webhooks AS w LEFT JOIN LATERAL (
      SELECT d.id, d.due_at FROM @waiting AS d WHERE d.webhook = w.key
      ORDER BY d.first_due_at, d.ord LIMIT 1) AS first ON true
    WHERE w.key = ? AND w.removed_at IS NULL`);

  return async (webhook) => {
    const [isOrdered, id, dueAt] = (await select.get(webhook)) ?? [];
    return isOrdered === 'true' && id && typeof dueAt === 'number' ? { id, dueAt } : undefined;
  };
}
