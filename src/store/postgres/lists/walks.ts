import type { Database } from '../database.ts';

/**
 * A walk through old events that have their data, a few at a time, by when they were made. Events that are in use are
 * passed over, because they would otherwise be looked at again and again. They can become free later, so after its end
 * a walk is restarted. An event is in use while a delivery of it waits.
 */
export interface Walk {
  /**
   * Looks at up to `limit` more events made before a time, or fewer if they have many deliveries, and visits
   * those that are not in use. Returns how many it visited.
   */
  readonly next: (
    before: number,
    limit: number,
    visit: (keys: readonly number[]) => Promise<void>,
  ) => Promise<number>;
  readonly isAtEnd: () => boolean;
  readonly restart: () => void;
}

type Place = readonly [createdAt: number, key: number];
const BEGINNING: Place = [Number.MIN_SAFE_INTEGER, 0];

export function walkThroughData(db: Database): Walk {
  const select = db.prepare<[createdAt: number, key: number, deliveries: number, isInUse: number]>(`
    SELECT created_at, key, greatest(made, deliveries),
      EXISTS (SELECT 1 FROM @waiting AS d WHERE d.event = e.key)::integer
    FROM @events AS e
    WHERE body IS NOT NULL AND (created_at, key) > (?::bigint, ?::bigint) AND created_at < ?
    ORDER BY created_at, key LIMIT ?`);
  /** The last event that was looked at; undefined at the end. */
  let at: Place | undefined = BEGINNING;

  return {
    async next(before, limit, visit) {
      if (at === undefined || limit <= 0) return 0;
      const found = await select.all(...at, before, limit);
      // Each delivery of an event costs an erasure, and one event can have thousands.
      let cost = 0;
      const visited: number[] = [];
      let isWhole = found.length < limit;
      for (const [createdAt, key, deliveries, isInUse] of found) {
        if (cost >= limit) {
          isWhole = false;
          break;
        }
        cost += Math.max(1, deliveries);
        at = [createdAt, key];
        if (isInUse === 0) visited.push(key);
      }
      await visit(visited);
      if (isWhole) at = undefined;
      return visited.length;
    },
    isAtEnd: () => at === undefined,
    restart() {
      at = BEGINNING;
    },
  };
}
