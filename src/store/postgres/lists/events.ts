import { matcherOf } from '../../../domain/listing/condition.ts';
import { EVENT_FIELDS } from '../../../domain/listing/fields.ts';
import { fromEventRecordRow } from '../../rows/event.ts';
import { readFrom } from '../../rows/layout.ts';
import { EVENT_RECORD, type EventRecordRow } from '../../rows/tables.ts';
import type { Context } from '../context.ts';
import { EVENT_NAMED } from '../joins.ts';
import type { Verbs } from '../protocol.ts';
import { collect, type Entry, isInSpan, isWhole } from './reading.ts';

/** In place of the body only whether there is one. */
const WITHOUT_BODY = readFrom(EVENT_RECORD, { body: "CASE WHEN body IS NOT NULL THEN ''::bytea END" });

export function eventVerbs({ db }: Context): Pick<Verbs, 'resolveEvents' | 'getEvents' | 'listEvents'> {
  const select = db.prepare<EventRecordRow>(`
    SELECT ${EVENT_RECORD.columns} FROM @events WHERE key = ${EVENT_NAMED}`);
  const selectId = db.prepare<[id: string]>(`SELECT id FROM @events WHERE key = ${EVENT_NAMED}`);
  const selectRows = db.prepare<EventRecordRow>(
    `SELECT ${WITHOUT_BODY.columns} FROM @events WHERE id = ANY(?)`,
  );
  const entriesOf = (beyond: '<' | '>', direction: 'ASC' | 'DESC') =>
    db.prepare<Entry>(`
      SELECT id, created_at, type, 0, 0 FROM @events WHERE namespace = ? AND id ${beyond} ?
      ORDER BY id ${direction} LIMIT ?`);
  const ascending = entriesOf('>', 'ASC');
  const descending = entriesOf('<', 'DESC');

  return {
    resolveEvents: (names) => Promise.all(names.map(async (name) => (await selectId.get(...name))?.[0])),
    getEvents: (keys) => Promise.all(keys.map((key) => select.get(...key))),
    listEvents(filter) {
      const { where, namespace } = filter;
      const matches = matcherOf(where, EVENT_FIELDS);
      const statement = filter.ascending ? ascending : descending;
      return collect(filter, {
        entries: (from, limit) => statement.all(namespace, from, limit),
        isWanted: (entry) => isInSpan(entry, filter),
        isPlain: isWhole(filter),
        async rows(ids) {
          const rows = new Map((await selectRows.all(ids)).map((row) => [row[EVENT_RECORD.at.id], row]));
          return ids.map((id) => {
            const row = rows.get(id);
            return row && (where === undefined || matches(fromEventRecordRow(row))) ? row : undefined;
          });
        },
      });
    },
  };
}
