import { DatabaseSync, type SQLInputValue } from 'node:sqlite';

/** The only file that knows `node:sqlite`. Rows come as arrays, in the order of the columns asked for. */
export interface Database {
  /** Compiles a statement, to be kept and used again. */
  prepare<Row = never>(sql: string): Statement<Row>;
  exec(sql: string): void;
  /** Lets statements call a function of texts: the same for the same, and NULL for NULL. */
  define(name: string, make: (text: string) => string | number): void;
  close(): void;
}

export interface Statement<Row> {
  run(...values: SQLInputValue[]): { changes: number | bigint };
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
}

/** Primary result codes: https://www.sqlite.org/rescode.html. */
const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;
const TROUBLE = new Set([
  SQLITE_BUSY,
  SQLITE_READONLY,
  SQLITE_IOERR,
  SQLITE_CORRUPT,
  SQLITE_FULL,
  SQLITE_CANTOPEN,
  SQLITE_NOTADB,
]);

/** Extended codes of the index of the log, which is a file of 32 KiB that is mapped into memory. */
const SQLITE_IOERR_SHMSIZE = SQLITE_IOERR | (19 << 8);
const SQLITE_IOERR_SHMMAP = SQLITE_IOERR | (21 << 8);

/** Opens a database. What it waits for others' locks is at most `timeoutMs`. */
export function connect(path: string, timeoutMs: number): Database {
  return databaseOn(new DatabaseSync(path, { timeout: timeoutMs, enableForeignKeyConstraints: false }));
}

/** The same for one that is not written to. */
export function connectToRead(path: string, timeoutMs: number): Database {
  return databaseOn(new DatabaseSync(path, { timeout: timeoutMs, readOnly: true }));
}

function databaseOn(db: DatabaseSync): Database {
  return {
    prepare<Row>(sql: string) {
      const statement = db.prepare(sql);
      statement.setReturnArrays(true);
      // The types know rows as objects only; this is the one place that says otherwise.
      return statement as unknown as Statement<Row>;
    },
    exec: (sql) => db.exec(sql),
    define: (name, make) =>
      db.function(name, { deterministic: true }, (text) => (text === null ? null : make(String(text)))),
    close: () => db.close(),
  };
}

/** Runs a pragma, and returns the first value that it answers. */
export function pragma(db: Database, text: string): string | number | undefined {
  return db.prepare<[value: string | number]>(`PRAGMA ${text}`).get()?.[0];
}

/** The primary SQLite result code of an error, or undefined when it is not SQLite's. */
function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !('errcode' in error) || typeof error.errcode !== 'number')
    return undefined;
  return error.errcode & 0xff;
}

/** Whether an error says that the database cannot do its work now, and not that it was asked for nonsense. */
export function isTrouble(error: unknown): boolean {
  return TROUBLE.has(resultCode(error) ?? -1);
}

/** Whether the disk itself failed. */
export function isDiskFailure(error: unknown): boolean {
  return resultCode(error) === SQLITE_IOERR;
}

/** Whether another connection has what is needed. */
export function isBusy(error: unknown): boolean {
  return resultCode(error) === SQLITE_BUSY;
}

/** Whether there is no space, or nothing may be written. Both can end. */
export function isShortage(error: unknown): boolean {
  const code = resultCode(error);
  return code === SQLITE_FULL || code === SQLITE_READONLY;
}

/** Whether the file is not what SQLite wrote. */
export function isDamage(error: unknown): boolean {
  const code = resultCode(error);
  return code === SQLITE_CORRUPT || code === SQLITE_NOTADB;
}

/** Whether there is no space for the index of the log. */
export function isIndexFailure(error: unknown): boolean {
  if (!(error instanceof Error) || !('errcode' in error)) return false;
  return error.errcode === SQLITE_IOERR_SHMSIZE || error.errcode === SQLITE_IOERR_SHMMAP;
}

export function isForeign(error: unknown): boolean {
  return resultCode(error) === SQLITE_NOTADB;
}

export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
