import type { Session, Value } from './connection/driver.ts';

/**
 * Statements on whatever session there is. They are prepared by each session once. `?` and `?1` stand for values, and
 * `@events` for the table of that name in the store's schema: no session has a search path of its own, since a pooler
 * may hand it to others.
 */
export interface Database {
  prepare<Row = never>(sql: string): Statement<Row>;
  exec(sql: string): Promise<void>;
}

export interface Statement<Row> {
  /** How many rows it changed. */
  run(...values: readonly Value[]): Promise<number>;
  get(...values: readonly Value[]): Promise<Row | undefined>;
  all(...values: readonly Value[]): Promise<Row[]>;
}

export function createDatabase(schema: string, session: () => Session): Database {
  const named = createNames();

  return {
    prepare<Row>(sql: string): Statement<Row> {
      const text = compiled(sql, schema);
      const name = named(text);
      async function all(values: readonly Value[]): Promise<Row[]> {
        const { rows } = await session().query(text, name, values);
        // A row has the columns that the statement asks for.
        return rows as Row[];
      }
      return {
        run: async (...values) => (await session().query(text, name, values)).count,
        get: async (...values): Promise<Row | undefined> => (await all(values))[0],
        all: (...values) => all(values),
      };
    },
    exec: (sql) => session().exec(compiled(sql, schema)),
  };
}

/** The statement as PostgreSQL has it. No text of ours has a question mark, or an at sign, for anything else. */
function compiled(sql: string, schema: string): string {
  let count = 0;
  return sql
    .replaceAll(/\?(\d*)/g, (_, place: string) => `$${place === '' ? ++count : place}`)
    .replaceAll(/@([a-z_]+\d*)/g, (_, name: string) => `${quoted(schema)}.${name}`);
}

export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function createNames(): (text: string) => string {
  const names = new Map<string, string>();
  return (text) => {
    const name = names.get(text) ?? `c${names.size}`;
    names.set(text, name);
    return name;
  };
}
