import { matcherOf } from '../../../domain/listing/condition.ts';
import { EVENT_FIELDS } from '../../../domain/listing/fields.ts';
import { fromEventRecordRow } from '../../rows/event.ts';
import type { EventFilter } from '../../rows/filters.ts';
import { readFrom } from '../../rows/layout.ts';
import { EVENT_RECORD, type EventRecordRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import type { Database } from '../database.ts';
import { EVENT_NAMED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';
import { listByType, readByType } from './by-type.ts';
import { ENTRY, type Entry, merge, source } from './merge.ts';
import { beginning, collect, rangeOf } from './reading.ts';

/** In place of the body only whether there is one. */
const WITHOUT_BODY = readFrom(EVENT_RECORD, { body: "iif(body IS NULL, NULL, x'')" });

export function eventVerbs({
  db,
  events,
}: Context): Pick<Verbs, 'resolveEvents' | 'getEvents' | 'listEvents'> {
  const reads = { descending: eventReads(db, false), ascending: eventReads(db, true) };
  const select = db.prepare<EventRecordRow>(`
    SELECT ${EVENT_RECORD.columns} FROM events WHERE key = ${EVENT_NAMED}`);
  const selectId = db.prepare<[id: string]>(`SELECT id FROM events WHERE key = ${EVENT_NAMED}`);
  const selectRow = db.prepare<EventRecordRow>(`
    SELECT ${WITHOUT_BODY.columns} FROM events WHERE key = ?`);

  function entries(filter: EventFilter): Iterable<Entry> {
    const { ascending, namespace, since, until, type } = filter;
    const read = ascending ? reads.ascending : reads.descending;
    const loose = source(beginning(filter), filter.limit, (from, limit) =>
      read.loose.all(from, events.upto(), namespace, since, until, ...rangeOf(type), limit),
    );
    return merge(ascending, [loose], readByType(events, read.listed, namespace, filter));
  }

  return {
    resolveEvents: (names) => names.map((name) => selectId.get(...name)?.[0]),
    getEvents: (keys) => keys.map((key) => select.get(...key)),
    listEvents(filter) {
      const { where } = filter;
      const matches = matcherOf(where, EVENT_FIELDS);
      return collect(entries(filter), filter, (key) => {
        const row = selectRow.get(key);
        return row && (where === undefined || matches(fromEventRecordRow(row))) ? row : undefined;
      });
    },
  };
}

/** What lists of events are read with, in one direction. ?1 is the id beyond which to read. */
export function eventReads(db: Database, ascending: boolean) {
  const [beyond, direction] = ascending ? ['>', 'ASC'] : ['<', 'DESC'];
  return {
    // The pluses keep SQLite from choosing another index: these are few rows.
    loose: db.prepare<Entry>(`
      SELECT ${ENTRY.columns} FROM (
        SELECT +id AS id, key, created_at, type FROM events
        WHERE +id ${beyond} ? AND key > ? AND +namespace = ? AND +created_at >= ? AND +created_at < ?
          AND type >= ? AND type <= ?)
      ORDER BY id ${direction} LIMIT ?`),
    listed: listByType(db, 'event_types', 'namespace', ascending),
  };
}
