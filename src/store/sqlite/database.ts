import { closeSync, openSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { DomainError } from '../../domain/error.ts';

/** The only file that knows `node:sqlite`. Rows come as arrays, in the order of the columns asked for. */
export interface Database {
  /** Compiles a statement, to be kept and used again. */
  prepare<Row = never>(sql: string): Statement<Row>;
  exec(sql: string): void;
  /** Writes everything back from the log, closes the file and releases the lock. */
  close(): void;
}

export interface Statement<Row> {
  run(...values: SQLInputValue[]): { changes: number | bigint };
  get(...values: SQLInputValue[]): Row | undefined;
  all(...values: SQLInputValue[]): Row[];
}

/** "Cari" in ASCII: marks the file as ours, for us and for `file(1)`. */
const APPLICATION_ID = 0x43617269;
/** How long to wait for somebody's `sqlite3` shell to finish a write. */
export const BUSY_MS = 5_000;
/** How long to wait for the lock: if two processes start at once, one of them must get it. */
const LOCK_WAIT_MS = 200;
/** Larger than SQLite's own 4 KiB: a commit has fewer pages to write, and bodies of a few KiB fit in one. */
const PAGE_BYTES = 8192;
/**
 * Memory for pages, at most. More is not better: after balancing a tree, a commit looks at every page
 * that is cached.
 */
const CACHE_KIB = 16 * 1024;
/** The log is written back once it has this many pages: more means fewer writes of the same page, and a larger file. */
const CHECKPOINT_PAGES = 2_000;
/** What the log is cut to when it begins anew: a reader of long ago may have made it much larger. */
export const LOG_BYTES_MAX = 64 * 1024 * 1024;
/** Only the account that runs the server may read what it keeps. */
const FILE_MODE = 0o600;

const MIGRATIONS = new URL('./migrations/', import.meta.url);

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
]);

/**
 * Opens and migrates the database at `path`, and keeps other processes from doing the same.
 * Raises FAILED_PRECONDITION with a message for the person who starts the server.
 */
export function openDatabase(path: string): Database {
  if (path === ':memory:') return prepared(connect(path), path, () => {});
  create(path);
  const release = lock(path);
  try {
    return prepared(connect(path), path, release);
  } catch (error) {
    release();
    throw error;
  }
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

/** Creates the file with our mode; SQLite gives its log and index the mode of the file. */
function create(path: string): void {
  try {
    // Never opens a file that exists: closing it again would drop this process's POSIX locks on it.
    closeSync(openSync(path, 'wx', FILE_MODE));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return;
    throw refusal(path, `cannot be created: ${message(error)}`);
  }
}

/**
 * Holds a write transaction on a database of its own beside the file, which the operating system ends
 * when the process does, however it ends. A lock in the file itself would keep the `sqlite3` shell from
 * reading it; a file with a process id in it outlives a kill and may name a stranger. The transaction is
 * IMMEDIATE and not EXCLUSIVE, so that a process that is refused can still read which one holds it.
 */
function lock(path: string): () => void {
  const lockPath = `${realpathSync(path)}-lock`;
  create(lockPath);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(lockPath, { timeout: LOCK_WAIT_MS });
    // Nothing in it is worth an fsync: what counts is the operating system's lock.
    db.exec('PRAGMA synchronous = OFF');
    db.exec('BEGIN IMMEDIATE');
    db.exec(`PRAGMA user_version = ${process.pid}`);
    db.exec('COMMIT');
    db.exec('BEGIN IMMEDIATE');
    const held = db;
    return () => held.close();
  } catch (error) {
    const busy = resultCode(error) === SQLITE_BUSY;
    const holder = busy && db ? holderOf(db) : 0;
    db?.close();
    if (!busy) throw refusal(path, `cannot be locked by way of ${lockPath}: ${message(error)}`);
    throw refusal(
      path,
      `is in use by another Carillon${holder > 0 ? ` (process ${holder})` : ''}; ` +
        'stop that one first, or give this one a file of its own',
    );
  }
}

function holderOf(db: DatabaseSync): number {
  try {
    return Number(db.prepare('PRAGMA user_version').get()?.user_version ?? 0);
  } catch {
    return 0;
  }
}

function connect(path: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path, { timeout: BUSY_MS, enableForeignKeyConstraints: false });
    db.exec(`PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
    identify(db, path);
    // Heeded only while the file is empty.
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
    const mode = db.prepare('PRAGMA journal_mode = WAL').get()?.journal_mode;
    if (path !== ':memory:' && mode !== 'wal') {
      throw refusal(path, 'lies on a file system without shared memory; move it to a local disk');
    }
    // FULL is what makes an answer a promise: NORMAL may lose committed rows when the power fails.
    db.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
           PRAGMA journal_size_limit = ${LOG_BYTES_MAX}`);
    migrate(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw error instanceof DomainError ? error : refusal(path, reason(error));
  }
}

/** Why a file cannot be used, for the person who starts the server. */
function reason(error: unknown): string {
  switch (resultCode(error)) {
    case SQLITE_NOTADB:
      return 'is not an SQLite database; is it the right file?';
    case SQLITE_CORRUPT:
      return `is damaged (${message(error)}); restore it from a backup`;
    default:
      return `cannot be opened: ${message(error)}`;
  }
}

/** Refuses another program's database, which has tables but not our mark. */
function identify(db: DatabaseSync, path: string): void {
  const id = pragma(db, 'application_id');
  if (id === APPLICATION_ID) return;
  const { tables } = db.prepare('SELECT count(*) AS tables FROM sqlite_schema').get() ?? {};
  if (id !== 0 || tables !== 0)
    throw refusal(path, 'is a database of another program; give Carillon its own file');
}

/** Applies the migrations that the file has not had. Each is one transaction, and only goes forward. */
function migrate(db: DatabaseSync, path: string): void {
  const files = readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort();
  const version = pragma(db, 'user_version');
  if (version > files.length) {
    throw refusal(
      path,
      `was written by a newer Carillon (schema ${version}; this version knows ${files.length}); upgrade Carillon`,
    );
  }
  for (const [index, name] of files.entries()) {
    if (index < version) continue;
    const sql = readFileSync(new URL(name, MIGRATIONS), 'utf8');
    db.exec('BEGIN IMMEDIATE');
    db.exec(sql);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}`);
    db.exec('COMMIT');
  }
}

function prepared(db: DatabaseSync, path: string, release: () => void): Database {
  return {
    prepare<Row>(sql: string) {
      const statement = db.prepare(sql);
      statement.setReturnArrays(true);
      // The types know rows as objects only; this is the one place that says otherwise.
      return statement as unknown as Statement<Row>;
    },
    exec: (sql) => db.exec(sql),
    close() {
      if (path !== ':memory:') db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      db.close();
      release();
    },
  };
}

function pragma(db: DatabaseSync, name: 'application_id' | 'user_version'): number {
  return Number(db.prepare(`PRAGMA ${name}`).get()?.[name] ?? 0);
}

function refusal(path: string, why: string): DomainError {
  return new DomainError('DATABASE_UNUSABLE', `${path} ${why}`);
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
