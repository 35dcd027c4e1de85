import { EVENT_COLUMNS } from './columns.ts';
import type { Context } from './context.ts';
import type { Database } from './database.ts';
import { type Entry, merge, type Source, source } from './merge.ts';
import type { EventFilter, Verbs } from './protocol.ts';
import { beginning, bothWays, collect, inBuckets, isOfType, typesOf } from './reading.ts';
import type { EventRecordRow } from './tuples.ts';

export function eventVerbs({ db, events }: Context): Pick<Verbs, 'getEvents' | 'listEvents'> {
  const reads = { descending: statements(db, false), ascending: statements(db, true) };
  const select = db.prepare<EventRecordRow>(`
    SELECT ${EVENT_COLUMNS}, body, deliveries FROM events WHERE key = (
      SELECT max(key) FROM (
        SELECT max(key) AS key FROM events WHERE namespace = ?1 AND caller_id = ?2
        UNION ALL SELECT key FROM events WHERE id = ?2 AND namespace = ?1 AND caller_id IS NULL))`);
  // Not the body, only whether there is one.
  const selectRow = db.prepare<EventRecordRow>(`
    SELECT ${EVENT_COLUMNS}, iif(body IS NULL, NULL, x''), deliveries FROM events WHERE key = ?`);

  function entries(filter: EventFilter): Iterable<Entry> {
    const { ascending, namespace, since, until, type } = filter;
    const read = ascending ? reads.ascending : reads.descending;
    const sourceOf = (more: (from: string, limit: number) => Entry[]): Source =>
      source(beginning(filter), filter.limit, more);
    const loose = sourceOf((from, limit) => read.loose.all(from, events.upto(), namespace, limit));
    const listed = inBuckets(events, filter, (bucket) => {
      const types = typesOf(type, (after, orAt) =>
        (orAt ? read.typeFrom : read.typeAfter).get(bucket, namespace, after)?.at(0),
      );
      return [...types].map((each) =>
        sourceOf((from, limit) => read.ofType.all(from, bucket, namespace, each, since, until, limit)),
      );
    });
    return merge(ascending, [loose], listed);
  }

  return {
    getEvents: (keys) => keys.map((key) => select.get(...key)),

    listEvents: (filter) =>
      collect(entries(filter), filter, (key) => {
        const row = selectRow.get(key);
        return row && isAskedFor(row, filter) ? row : undefined;
      }),
  };
}

function isAskedFor(row: EventRecordRow, { namespace, type, since, until }: EventFilter): boolean {
  return row[2] === namespace && isOfType(row[3], type) && row[10] >= since && row[10] < until;
}

function statements(db: Database, isAscending: boolean) {
  const prepare = (sql: (compares: string, direction: string) => string) => {
    const { ascending, descending } = bothWays(sql);
    return db.prepare<Entry>(isAscending ? ascending : descending);
  };
  return {
    // The pluses keep other indexes from being chosen: these are few rows.
    loose: prepare(
      (compares, direction) => `
        SELECT id, key FROM events WHERE +id ${compares} ?1 AND key > ?2 AND +namespace = ?3
        ORDER BY +id ${direction} LIMIT ?4`,
    ),
    ofType: prepare(
      (compares, direction) => `
        SELECT id, key FROM event_types
        WHERE id ${compares} ?1 AND bucket = ?2 AND namespace = ?3 AND type = ?4
          AND created_at >= ?5 AND created_at < ?6
        ORDER BY id ${direction} LIMIT ?7`,
    ),
    typeFrom: db.prepare<[type: string]>(`
      SELECT type FROM event_types WHERE bucket = ? AND namespace = ? AND type >= ? ORDER BY type LIMIT 1`),
    typeAfter: db.prepare<[type: string]>(`
      SELECT type FROM event_types WHERE bucket = ? AND namespace = ? AND type > ? ORDER BY type LIMIT 1`),
  };
}
