import type { Field, Layout, RowOf } from '../rows/layout.ts';
import type { Database } from './database.ts';

/**
 * Compiles a statement that inserts rows of a kind. It returns how many were inserted: with a `conflict`
 * clause, none can have been.
 */
export function insertInto<const Fs extends readonly Field[]>(
  db: Database,
  table: string,
  { columns, holes }: Layout<Fs>,
  conflict = '',
): (row: RowOf<Layout<Fs>>) => number {
  const statement = db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${holes}) ${conflict}`);
  type Values = Parameters<typeof statement.run>;
  // The type checker cannot see that a row has only values for SQL. STRICT tables refuse all others.
  return (row) => Number(statement.run(...(row as unknown as Values)).changes);
}
