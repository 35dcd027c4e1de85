import type { Context } from '../context.ts';
import { BUCKET_ROWS } from './catalog.ts';

/**
 * A walk through old events, a few at a time. Events that are in use are passed over, because they would
 * otherwise be looked at again and again. They can become free later, so after its end a walk is restarted.
 */
export interface Walk {
  /**
   * Looks at up to `limit` more events made before a time, or fewer if they have many deliveries, and visits
   * those that are not in use. Returns how many it visited.
   */
  readonly next: (before: number, limit: number, visit: (key: number) => void) => number;
  readonly isAtEnd: () => boolean;
  readonly restart: () => void;
}

/**
 * Through events that have their data, in order of arrival, bucket by bucket; a bucket without data is not
 * looked at again. An event is in use while a delivery of it waits.
 */
export function walkThroughData({ db, events }: Context): Walk {
  const select = db.prepare<[key: number, deliveries: number]>(`
    SELECT key, max(made, deliveries) FROM events
    WHERE key > ?2 AND key <= ?3 AND body IS NOT NULL AND +created_at < ?1 ORDER BY key LIMIT ?4`);
  const selectInUse = db.prepare<[isInUse: number]>(`
    SELECT EXISTS (
      SELECT 1 FROM deliveries AS d
      WHERE d.ord >= e.first_ord AND d.ord < e.first_ord + e.made AND d.event = e.key AND +d.state = 0
      UNION ALL SELECT 1 FROM deliveries AS d INDEXED BY deliveries_replay
      WHERE d.event = e.key AND d.replay_of IS NOT NULL AND d.state = 0)
    FROM events AS e WHERE key = ?`);
  /** The last event that was looked at. */
  let at: number | undefined = 0;
  let anyInUse = false;

  /** The next events to look at, and whether they complete a bucket to which nothing will be added. */
  function stretch(after: number, before: number) {
    const buckets = events.buckets();
    for (const [i, { bucket, since, until, erased }] of buckets.entries()) {
      const first = bucket * BUCKET_ROWS;
      const upto = Math.min(first + BUCKET_ROWS - 1, events.upto());
      if (erased || since >= before || upto <= after) continue;
      const isWhole = i < buckets.length - 1 && until < before;
      return { after: Math.max(after, first - 1), upto, bucket, isWhole };
    }
    return undefined;
  }

  return {
    next(before, limit, visit) {
      if (at === undefined || limit <= 0) return 0;
      const { after, upto, bucket, isWhole } = stretch(at, before) ?? {
        after: Math.max(at, events.upto()),
        upto: Number.MAX_SAFE_INTEGER,
        bucket: 0,
        isWhole: false,
      };
      const found = select.all(before, after, upto, limit);
      // Each delivery of an event costs a look and an erasure, and one event can have thousands.
      let cost = 0;
      let visited = 0;
      for (const [key, deliveries] of found) {
        if (cost >= limit) return visited;
        cost += Math.max(1, deliveries);
        at = key;
        if (selectInUse.get(key)?.[0] === 1) {
          anyInUse = true;
        } else {
          visit(key);
          visited++;
        }
      }
      if (found.length === limit) return visited;
      if (isWhole && !anyInUse) events.erase(bucket);
      anyInUse = false;
      at = upto === Number.MAX_SAFE_INTEGER ? undefined : upto;
      return visited;
    },
    isAtEnd: () => at === undefined,
    restart() {
      at = 0;
      anyInUse = false;
    },
  };
}
