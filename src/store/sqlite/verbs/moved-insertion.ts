import { MOVED, type MovedCell, type MovedName, type MovedRow } from '../../moved.ts';
import type { Database, Statement } from '../database.ts';

/** Enters rows that were moved, in a store that has nothing else. What follows from others is entered with those. */
export function createMovedInsertion(db: Database, name: MovedName): (rows: readonly MovedRow[]) => void {
  const { columns } = MOVED[name];
  const names = columns.map(([column]) => column).join(', ');
  const holes = columns.map((_, i) => `?${i + 1}`).join(', ');
  const at = (column: string) => columns.findIndex(([each]) => each === column);
  const run = (statement: Statement<never>, row: readonly MovedCell[]) => void statement.run(...row);
  const into = (table: string, more: readonly (readonly [column: string, value: string])[] = []) =>
    db.prepare(
      `INSERT INTO ${table} (${[names, ...more.map(([column]) => column)].join(', ')})
       VALUES (${[holes, ...more.map(([, value]) => value)].join(', ')})`,
    );

  switch (name) {
    case 'events': {
      const insert = into('events', [
        ['first_ord', String(Number.MAX_SAFE_INTEGER)],
        ['deliveries', '0'],
      ]);
      return each((row) => run(insert, row));
    }
    case 'deliveries': {
      const insert = into('deliveries');
      // Those that were made of an event when it came in follow each other.
      const note = db.prepare(`
        UPDATE events SET deliveries = deliveries + 1, first_ord = iif(?2 IS NULL, min(first_ord, ?3), first_ord)
        WHERE key = ?1`);
      return each((row) => {
        run(insert, row);
        run(note, [row[at('event')] ?? null, row[at('replay_of')] ?? null, row[at('ord')] ?? null]);
      });
    }
    case 'renderings': {
      const insert = db.prepare(`
        INSERT INTO renderings (ord, headers, content_type, body) SELECT ord, ?2, ?3, ?4 FROM deliveries WHERE id = ?1`);
      return each((row) => run(insert, row));
    }
    case 'journal': {
      const own = columns.slice(2).map(([column]) => column);
      const insert = db.prepare(`
        INSERT INTO journal (seq, ord, previous, ${own.join(', ')})
        SELECT ?1, ord, journal, ${own.map((_, i) => `?${i + 3}`).join(', ')} FROM deliveries WHERE id = ?2`);
      const point = db.prepare('UPDATE deliveries SET journal = ?1 WHERE id = ?2');
      return each((row) => {
        run(insert, row);
        run(point, row.slice(0, 2));
      });
    }
    case 'journal_kept': {
      const update = db.prepare('UPDATE journal_kept SET after = ?1, ended = ?2');
      return each((row) => run(update, row));
    }
    case 'last_attempts': {
      // By a row of the delivery's in the journal, whichever: 0 is none.
      const insert = db.prepare(`
        INSERT INTO last_attempts (webhook, seq, at, status)
        VALUES (?1, coalesce((SELECT journal FROM deliveries WHERE id = ?2), 0), ?3, ?4)`);
      return each((row) => run(insert, row));
    }
    default: {
      const insert = into(name);
      return each((row) => run(insert, row));
    }
  }
}

function each(work: (row: MovedRow) => void): (rows: readonly MovedRow[]) => void {
  return (rows) => {
    for (const row of rows) work(row);
  };
}
