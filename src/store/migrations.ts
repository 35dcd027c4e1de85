/** The steps by which a schema came about, which both adapters keep as files of SQL. */
import { readdirSync, readFileSync } from 'node:fs';

/** One step. Each is one transaction, only goes forward, and never changes once it was released. */
export interface Migration {
  /** From 1 on. A schema has the version of the last step that it had. */
  readonly version: number;
  readonly name: string;
  readonly sql: string;
  /** The version that a program must know, at least, to work with a schema that had this step. */
  readonly oldest: number;
}

/** How far a database is. */
export interface SchemaState {
  /** The database, for people. */
  readonly shown: string;
  /** 0 where there is nothing yet. */
  readonly version: number;
  /** The version that this program knows. */
  readonly known: number;
  /** The names of the steps that are still to be done. */
  readonly pending: readonly string[];
}

/** `-- oldest: 3` in the first line. Without it, no program does that does not know the step itself. */
const OLDEST = /^-- oldest: (\d+)\n/;

/** The steps in a folder, in their order. */
export function readMigrations(folder: URL): readonly Migration[] {
  const names = readdirSync(folder).filter((name) => name.endsWith('.sql'));
  return names.sort().map((name, i) => {
    const sql = readFileSync(new URL(name, folder), 'utf8');
    const [, oldest = i + 1] = OLDEST.exec(sql) ?? [];
    return { version: i + 1, name, sql, oldest: Number(oldest) };
  });
}

/**
 * Why this program cannot work with a schema, to follow what it is; undefined if it can. `oldest` is the largest of the
 * steps that the schema had.
 */
export function newerFault(version: number, oldest: number, known: number): string | undefined {
  if (version <= known || oldest <= known) return undefined;
  return `was written by a newer Carillon (schema ${version}; this version knows ${known}); upgrade Carillon`;
}

/** Steps in a sentence, of which there can be many. */
export function spokenSteps(names: readonly string[]): string {
  return names.length > 3 ? `${names[0]} to ${names.at(-1)}` : names.join(', ');
}

/** Why a server does not start that may not do the steps itself. */
export function pendingFault({ version, known, pending }: Omit<SchemaState, 'shown'>): string {
  const what = version === 0 ? 'has nothing of Carillon yet' : `has schema ${version}`;
  return `${what}, and this version needs ${known} (${spokenSteps(pending)}); run carillon migrate, or start without --no-migrate`;
}
