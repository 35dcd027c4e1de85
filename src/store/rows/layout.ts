/**
 * How rows are laid out. A row is a tuple, as the database gives it and as it crosses between the threads: a
 * structured clone writes an object's keys again for each object, which costs more than the values. So that
 * nobody has to count places, each kind of row has one table of its fields, from which everything else
 * follows: the type of the tuple, where each field is in it, and the lists of columns in SQL.
 *
 *     const POINT = layout(field('x', integer), field('yMax', orNull(integer)));
 *     type PointRow = RowOf<typeof POINT>;             // [number, number | null]
 *     row[POINT.at.yMax]                               // number | null
 *     `SELECT ${POINT.columns} FROM points`            // x, y_max
 *
 * A field that is inserted in the middle moves the others wherever they are read. Where such a row is
 * written, the tuple has too few values then, which the type checker refuses.
 */
export interface Layout<Fs extends readonly Field[]> {
  readonly fields: Fs;
  /** Where each field is in the tuple. */
  readonly at: Places<Fs>;
  /** The columns to SELECT or to INSERT. */
  readonly columns: string;
  /** A question mark for each of them. */
  readonly holes: string;
  /** The columns to UPDATE, each with its question mark. */
  readonly assignments: string;
}

/** A part of the fields of a layout, in an order of its own. */
export interface Part<Fs extends readonly Field[], Whole extends readonly Field[]> extends Layout<Fs> {
  /** Takes the part out of a row. */
  readonly from: (row: Tuple<Whole>) => Tuple<Fs>;
}

export interface Field<Name extends string = string, T = unknown> {
  readonly name: Name;
  /** The column, or the expression, that it is in SQL. */
  readonly sql: string;
  readonly type: Type<T>;
}

/** Stands for a type where there is no value of it yet. */
interface Type<T> {
  readonly of?: T;
}

export type RowOf<L> = L extends Layout<infer Fs> ? Tuple<Fs> : never;

/** A row that can go on after its fields. */
export type LongRowOf<L> = L extends Layout<infer Fs> ? readonly [...Tuple<Fs>, ...unknown[]] : never;

type Tuple<Fs extends readonly Field[]> = {
  -readonly [I in keyof Fs]: Fs[I] extends Field<string, infer T> ? T : never;
};

/** The places of a tuple as TypeScript has them: `'0' | '1' | …`. */
type Index<Fs> = Exclude<keyof Fs, keyof (readonly unknown[])>;

type Places<Fs extends readonly Field[]> = {
  readonly [I in Index<Fs> as NameOf<Fs[I]>]: I extends `${infer Place extends number}` ? Place : never;
};

type NameOf<F> = F extends Field<infer Name> ? Name : never;

type Named<Fs extends readonly Field[], Names extends readonly string[]> = {
  readonly [I in keyof Names]: Extract<Fs[number], Field<Names[I]>>;
};

export const integer: Type<number> = {};
export const text: Type<string> = {};
export const blob: Type<Uint8Array> = {};

/** A type that SQL does not know. */
export function as<T>(): Type<T> {
  return {};
}

export function orNull<T>(_type: Type<T>): Type<T | null> {
  return {};
}

/** A field whose column has the same name, in snake case, unless `sql` says otherwise. */
export function field<const Name extends string, T>(
  name: Name,
  type: Type<T>,
  sql: string = snakeCase(name),
): Field<Name, T> {
  return { name, type, sql };
}

export function layout<const Fs extends readonly Field[]>(...fields: Fs): Layout<Fs> {
  return layoutOf(fields);
}

/** The same layout, with some of its fields taken from elsewhere in SQL. */
export function readFrom<Fs extends readonly Field[]>(
  { fields }: Layout<Fs>,
  elsewhere: { readonly [Name in NameOf<Fs[number]>]?: string },
): Layout<Fs> {
  const sql = new Map<string, string>(Object.entries(elsewhere));
  const moved = fields.map((each) => ({ ...each, sql: sql.get(each.name) ?? each.sql }));
  return layoutOf(moved as unknown as Fs);
}

export function part<Fs extends readonly Field[], const Names extends readonly NameOf<Fs[number]>[]>(
  { fields }: Layout<Fs>,
  ...names: Names
): Part<Named<Fs, Names>, Fs> {
  const places = names.map((name) => fields.findIndex((each) => each.name === name));
  const picked = places.map((place) => fields[place]);
  return {
    ...layoutOf(picked as unknown as Named<Fs, Names>),
    from: (row: readonly unknown[]) => places.map((place) => row[place]) as Tuple<Named<Fs, Names>>,
  };
}

// ── Helpers ────────────────────────────────────────────────────────────────────────────────────────

/** What the types say is computed here, from the same fields. */
function layoutOf<Fs extends readonly Field[]>(fields: Fs): Layout<Fs> {
  return {
    fields,
    at: Object.fromEntries(fields.map(({ name }, place) => [name, place])) as Places<Fs>,
    columns: fields.map(({ sql }) => sql).join(', '),
    holes: fields.map(() => '?').join(', '),
    assignments: fields.map(({ sql }) => `${sql} = ?`).join(', '),
  };
}

function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
