import { shardOf } from '../../../domain/cluster/shard.ts';
import { MOVED, type MovedName, type MovedRow } from '../../moved.ts';
import { type Cell, type Column, insertMany, manyOf } from '../columns.ts';
import type { Database } from '../database.ts';

/** Enters rows that were moved, in a store that has nothing else. What follows from others is entered with those. */
export function createMovedInsertion(
  db: Database,
  name: MovedName,
): (rows: readonly MovedRow[]) => Promise<void> {
  const { columns } = MOVED[name];
  const at = (column: string) => columns.findIndex(([each]) => each === column);
  const only = (wanted: readonly Column[]) => {
    const places = wanted.map(([column]) => at(column));
    return (row: MovedRow): Cell[] => places.map((place) => row[place] ?? null);
  };

  switch (name) {
    case 'webhooks':
      return numbered('@webhooks', columns);
    case 'events': {
      const insert = insertMany(db, '@events', [...columns, ['deliveries', 'bigint']]);
      return async (rows) => void (await insert(rows.map((row) => [...row, 0])));
    }
    case 'deliveries': {
      const waiting = columns.filter(([column]) => !OF_HISTORY.has(column));
      const insertWaiting = insertMany(db, '@waiting', [...waiting, ['shard', 'smallint']]);
      // A shard follows from the id, which rows of deliveries do not have.
      const idsOf = db.prepare<[key: number, id: string]>(
        'SELECT key, id FROM @webhooks WHERE key = ANY(?::bigint[])',
      );
      const finished = columns.filter(([column]) => column !== 'ending');
      // With the rest, which is deleted row by row: their days may have no tables.
      const insertFinished = insertMany(db, '@history', [...finished, ['apart', 'smallint']]);
      const note = db.prepare(`
        UPDATE @events AS e SET deliveries = e.deliveries + n
        FROM (SELECT event, count(*) AS n FROM unnest(?::bigint[]) AS v (event) GROUP BY event) AS given
        WHERE e.key = given.event`);
      return async (rows) => {
        const ofWaiting = only(waiting);
        const pending = rows.filter((row) => row[at('state')] === 0);
        const keyOf = (row: MovedRow) => Number(row[at('webhook')]);
        const ids = new Map(await idsOf.all([...new Set(pending.map(keyOf))]));
        await insertWaiting(pending.map((row) => [...ofWaiting(row), shardOf(ids.get(keyOf(row)) ?? '')]));
        const ofFinished = only(finished);
        const ended = rows.filter((row) => row[at('state')] !== 0);
        await insertFinished(ended.map((row) => [...ofFinished(row), 1]));
        await note.run(rows.map((row) => Number(row[at('event')])));
      };
    }
    case 'renderings': {
      const [, ...rest] = columns;
      const insert = insertMany(db, '@renderings', [['id', 'text'], ...rest]);
      return async (rows) => void (await insert(rows));
    }
    case 'journal':
      return journal();
    case 'journal_kept': {
      const update = db.prepare('UPDATE @journal_kept SET after = ?, ended = ?');
      return async (rows) => {
        for (const row of rows) await update.run(...row);
      };
    }
    case 'last_attempts': {
      const insert = insertMany(db, '@last_attempts', columns);
      // Empty where it is not kept.
      return async (rows) => void (await insert(rows.map((row) => row.map((cell) => cell ?? ''))));
    }
    default: {
      const insert = insertMany(db, `@${name}`, columns);
      return async (rows) => void (await insert(rows));
    }
  }

  /** Into a table that gives numbers by itself. */
  function numbered(table: string, all: readonly Column[]) {
    const { from, names, values } = manyOf(all);
    const insert = db.prepare(
      `INSERT INTO ${table} (${names}) OVERRIDING SYSTEM VALUE SELECT ${names} FROM ${from}`,
    );
    return async (rows: readonly MovedRow[]) => void (rows.length > 0 && (await insert.run(...values(rows))));
  }

  function journal() {
    const { from, values } = manyOf(columns);
    const own = columns.slice(2).map(([column]) => column);
    const insert = db.prepare(`
      INSERT INTO @journal (seq, delivery, namespace, webhook, apart, ${own.join(', ')})
      SELECT given.seq, given.delivery, d.namespace, d.webhook, 1, ${own.map((column) => `given.${column}`).join(', ')}
      FROM ${from} JOIN @deliveries AS d ON d.id = given.delivery`);
    const point = db.prepare(`
      UPDATE @history AS h SET journal = last
      FROM (
        SELECT delivery, max(seq) AS last FROM unnest(?::bigint[], ?::text[]) AS v (seq, delivery) GROUP BY delivery
      ) AS given
      WHERE h.id = given.delivery`);
    return async (rows: readonly MovedRow[]) => {
      if (rows.length === 0) return;
      await insert.run(...values(rows));
      await point.run(
        rows.map((row) => Number(row[0])),
        rows.map((row) => String(row[1])),
      );
    };
  }
}

/** Columns of what is finished only. */
const OF_HISTORY: ReadonlySet<string> = new Set(['state', 'reason', 'message', 'finished_at']);
