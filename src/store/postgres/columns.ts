import type { Value } from './connection/driver.ts';
import type { Database } from './database.ts';

/** A column of rows that are inserted many at a time. */
export type Column = readonly [
  name: string,
  type: 'text' | 'bigint' | 'integer' | 'smallint' | 'double precision' | 'bytea',
];

/**
 * Compiles a statement that inserts rows, a column of values at a time. Bytes go as one value for all rows, and are
 * taken out of it: an array of them would be written in hexadecimal.
 */
export function insertMany(
  db: Database,
  table: string,
  columns: readonly Column[],
  rest = '',
): (rows: readonly (readonly Cell[])[]) => Promise<number> {
  const { from, names, values } = manyOf(columns);
  const statement = db.prepare(`INSERT INTO ${table} (${names}) SELECT ${names} FROM ${from} ${rest}`);
  return async (rows) => (rows.length === 0 ? 0 : statement.run(...values(rows)));
}

export type Cell = string | number | null | Uint8Array;

/** A table of rows that are given as values, in their order, and the values for it. */
export function manyOf(columns: readonly Column[]): {
  readonly from: string;
  readonly names: string;
  readonly values: (rows: readonly (readonly Cell[])[]) => Value[];
} {
  let place = 0;
  const arrays: string[] = [];
  const inner: string[] = [];
  const outer: string[] = [];
  for (const [name, type] of columns) {
    if (type === 'bytea') {
      const all = ++place;
      arrays.push(`?${++place}::integer[]`, `?${++place}::integer[]`);
      inner.push(`${name}_from`, `${name}_length`);
      outer.push(
        `CASE WHEN ${name}_from > 0 THEN substring(?${all}::bytea FROM ${name}_from FOR ${name}_length) END AS ${name}`,
      );
    } else {
      arrays.push(`?${++place}::${type}[]`);
      inner.push(name);
      outer.push(name);
    }
  }
  const names = columns.map(([name]) => name).join(', ');
  return {
    from: `(SELECT ${outer.join(', ')} FROM unnest(${arrays.join(', ')}) AS v (${inner.join(', ')})) AS given`,
    names,
    values: (rows) =>
      columns.flatMap(([, type], at): Value[] => {
        if (type === 'bytea') return packed(rows.map((row) => bytesAt(row, at)));
        return [rows.map((row) => plainAt(row, at))];
      }),
  };
}

function bytesAt(row: readonly Cell[], at: number): Uint8Array | null {
  const cell = row[at] ?? null;
  if (cell !== null && !(cell instanceof Uint8Array)) throw new Error('a column of bytes has something else');
  return cell;
}

function plainAt(row: readonly Cell[], at: number): string | number | null {
  const cell = row[at] ?? null;
  if (cell instanceof Uint8Array) throw new Error('a column of values has bytes');
  return cell;
}

/** All bytes in one, with where each begins, counted from 1, and its length; 0 for those that there are not. */
function packed(cells: readonly (Uint8Array | null)[]): [all: Uint8Array, from: number[], length: number[]] {
  const all = Buffer.concat(cells.filter((cell) => cell !== null));
  let next = 1;
  const from = cells.map((cell) => {
    if (cell === null) return 0;
    const begins = next;
    next += cell.length;
    return begins;
  });
  return [all, from, cells.map((cell) => cell?.length ?? 0)];
}
