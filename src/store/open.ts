import { DomainError } from '../domain/error.ts';
import type { SchemaState } from './migrations.ts';
import { isPostgres } from './postgres/connection/place.ts';
import type { PostgresOptions } from './postgres/options.ts';
import { openSqlite } from './sqlite/open.ts';
import type { SqliteOptions } from './sqlite/options.ts';
import { placeOf } from './sqlite/place.ts';
import type { Store } from './store.ts';

export type StoreOptions = SqliteOptions & PostgresOptions;

/** A URL, and not the name of a file: a scheme of at least two letters (`C:\` is a drive) and a colon. */
const SCHEME = /^([a-z][a-z0-9+.-]+):(.*)$/is;

/**
 * Opens the store that `url` names: `:memory:` (gone when closed), the path of an SQLite file, or
 * `sqlite:<path>`, which is created where there is none; or a database of PostgreSQL, `postgres://…`, in which a schema is.
 *
 * Raises FAILED_PRECONDITION, with a message for the person who starts the server, when `url`
 * names something else, when another process has the file, when the file is not such a store or was
 * written by a newer version, and when it cannot be opened.
 */
export async function openStore(url: string, options: StoreOptions = {}): Promise<Store> {
  if (isPostgres(url)) {
    // Loaded only where it is used: it takes longer than the rest of a start on a file.
    const { openPostgres } = await import('./postgres/open.ts');
    return openPostgres(url, options);
  }
  const path = sqlitePath(url);
  if (path === '') throw new DomainError('DATABASE_UNUSABLE', 'name a database: a file path or ":memory:"');
  return openSqlite(path, options);
}

/**
 * How far the schema is of the store that `url` names. Changes nothing, also while a server works on it. Raises what
 * `openStore` raises.
 */
export async function stateOfStore(url: string, options: StoreOptions = {}): Promise<SchemaState> {
  if (!isPostgres(url)) {
    const { stateOfFile } = await import('./sqlite/schema.ts');
    return stateOfFile(sqlitePath(url));
  }
  const { stateOfSchema } = await import('./postgres/schema.ts');
  return stateOfSchema(url, options);
}

/**
 * Brings the schema up to date in the PostgreSQL that `url` names, also while servers work on it, and answers how far it
 * was. A file is when it is opened. Raises what `openStore` raises.
 */
export async function migrateStore(url: string, options: StoreOptions = {}): Promise<SchemaState> {
  const { migrateSchema } = await import('./postgres/schema.ts');
  return migrateSchema(url, options);
}

/**
 * Where the database is that `url` names, without links, for what belongs beside it. Raises FAILED_PRECONDITION where
 * none can be; nothing is made.
 */
export function storePlace(url: string): string {
  const path = sqlitePath(url);
  return path === ':memory:' || path === '' ? path : placeOf(path);
}

function sqlitePath(url: string): string {
  const [, scheme, rest] = SCHEME.exec(url) ?? [];
  if (scheme === undefined || rest === undefined) return url;
  if (scheme.toLowerCase() === 'sqlite') return rest.replace(/^\/\//, '');
  throw new DomainError(
    'DATABASE_UNUSABLE',
    `a ${scheme}: database cannot be used: Carillon keeps its data in SQLite or PostgreSQL; ` +
      'give a file path, "sqlite:<path>", ":memory:" or "postgres://user:password@host/database"',
  );
}
