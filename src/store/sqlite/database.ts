import { readdirSync, readFileSync, statSync } from 'node:fs';
import { DomainError } from '../../domain/error.ts';
import { isSecretHeader } from '../../domain/webhook/secret-headers.ts';
import { maskedHeaders } from '../rows/attempt-headers.ts';
import {
  connect,
  type Database,
  isDamage,
  isForeign,
  isIndexFailure,
  isShortage,
  messageOf,
  pragma,
} from './driver.ts';
import { checkWhole, claim, createIdentity, type Identity, lookAt, readIdentity, share } from './identity.ts';
import { create, hasCode, type Lock, lock } from './lock.ts';
import { placeOf, refusal } from './place.ts';

export type { Database, Statement } from './driver.ts';

export interface OpenOptions {
  /** Whether a database that is older than it was, or new, is meant. */
  readonly restored?: boolean;
}

/** A database that is open, migrated and locked. */
export interface OpenDatabase extends Database {
  /** Undefined in memory. */
  readonly file: DatabaseFile | undefined;
  /** Sentences for the log of whoever starts it. */
  readonly warnings: readonly string[];
  /** Writes everything back from the log, closes the file and releases the lock. */
  close(): void;
}

export interface DatabaseFile extends Pick<Identity, 'raise'> {
  /** Without links. */
  readonly path: string;
  /** Whether nobody else can read it, because there was no space to share its log. */
  isUnshared(): boolean;
  /** Writes everything back from the log, and begins another that can be shared. Raises what SQLite raises. */
  renewLog(): void;
}

/** "Cari" in ASCII: marks the file as ours, for us and for `file(1)`. */
const APPLICATION_ID = 0x43617269;
/** How long to wait for somebody's `sqlite3` shell to finish a write. */
export const BUSY_MS = 5_000;
/** How long to wait for somebody else's read to end: meanwhile nobody has the database. */
export const READER_WAIT_MS = 200;
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
/** What others than the owner may do with a file. */
const OTHERS = 0o077;

const MIGRATIONS = new URL('./migrations/', import.meta.url);
const MEMORY = ':memory:';

/**
 * Opens and migrates the database at `path`, and keeps other processes from doing the same.
 * Raises FAILED_PRECONDITION with a message for the person who starts the server.
 */
export function openDatabase(path: string, { restored = false }: OpenOptions = {}): OpenDatabase {
  if (path === MEMORY) {
    const db = prepared(MEMORY);
    migrate(db, MEMORY);
    return { ...db, file: undefined, warnings: [] };
  }
  const place = placeOf(path);
  const found = lookAt(place);
  if (!restored && found.isNew) checkWhole(found, undefined, 0);
  try {
    create(place);
  } catch (error) {
    throw refusal(place, `cannot be created: ${messageOf(error)}`);
  }
  const held = lock(place);
  try {
    return opened(place, held, found, restored);
  } catch (error) {
    held.release();
    throw error;
  }
}

function opened(path: string, held: Lock, found: ReturnType<typeof lookAt>, restored: boolean): OpenDatabase {
  let isUnshared = false;
  let db = prepared(path, () => {
    isUnshared = true;
  });
  try {
    const row = readIdentity(db);
    const claimed = isUnshared ? 'CLAIMED' : claim(db, path, held, row);
    if (!restored) checkWhole(found, row, Number(pragma(db, 'schema_version')));
    if (claimed === 'SHARED') {
      // A lock that could not be had keeps new readers away until the file is closed.
      db.close();
      db = prepared(path);
    }
    migrate(db, path);
    const identity = createIdentity(db, path, held, row, found.reached);
    const warnings = begin(db, identity, { path, isNew: found.isNew, isAlone: claimed === 'ALONE' });
    pragma(db, `busy_timeout = ${BUSY_MS}`);
    const open = db;
    return {
      ...open,
      file: {
        path,
        raise: identity.raise,
        isUnshared: () => isUnshared,
        renewLog() {
          renewLog(open);
          isUnshared = false;
        },
      },
      warnings,
      close: () => close(open, identity, held),
    };
  } catch (error) {
    db.close();
    throw error instanceof DomainError ? error : refusal(path, reason(error));
  }
}

/**
 * Opens the file as we use it. On a full disk there is no space for the index of the log, by which processes share it: then
 * the index is kept in memory, and nobody else can read the file.
 */
function prepared(path: string, onUnshared: () => void = () => {}): Database {
  try {
    try {
      return preparedAs('NORMAL', path);
    } catch (error) {
      if (!isIndexFailure(error)) throw error;
      const db = preparedAs('EXCLUSIVE', path);
      onUnshared();
      return db;
    }
  } catch (error) {
    throw error instanceof DomainError ? error : refusal(path, reason(error));
  }
}

function preparedAs(mode: 'NORMAL' | 'EXCLUSIVE', path: string): Database {
  let db: Database | undefined;
  try {
    db = connect(path, BUSY_MS);
    db.exec(`PRAGMA locking_mode = ${mode}; PRAGMA cache_size = -${CACHE_KIB}; PRAGMA temp_store = MEMORY`);
    identify(db, path);
    // Heeded only while the file is empty.
    db.exec(`PRAGMA page_size = ${PAGE_BYTES}`);
    const journal = pragma(db, 'journal_mode = WAL');
    if (path !== MEMORY && journal !== 'wal') {
      throw refusal(path, 'lies on a file system without shared memory; move it to a local disk');
    }
    // FULL is what makes an answer a promise: NORMAL may lose committed rows when the power fails.
    db.exec(`PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
           PRAGMA journal_size_limit = ${LOG_BYTES_MAX}`);
    return db;
  } catch (error) {
    db?.close();
    throw error;
  }
}

/** Writes everything back from the log, unless somebody reads what is in it. */
function emptyLog(db: Database): void {
  pragma(db, `busy_timeout = ${READER_WAIT_MS}`);
  pragma(db, 'wal_checkpoint(TRUNCATE)');
  pragma(db, `busy_timeout = ${BUSY_MS}`);
}

function renewLog(db: Database): void {
  pragma(db, `busy_timeout = ${READER_WAIT_MS}`);
  try {
    pragma(db, 'journal_mode = DELETE');
    pragma(db, 'locking_mode = NORMAL');
    pragma(db, 'journal_mode = WAL');
  } finally {
    pragma(db, `busy_timeout = ${BUSY_MS}`);
  }
}

/**
 * Notes who has the database, and writes everything back from the log, so that a copy of the file alone is not empty. What
 * is counted after that is in the log only: without it, the file is known to be old. A full disk does not keep a database
 * from being opened: there is much to read in it, and to sweep.
 */
function begin(
  db: Database,
  identity: Identity,
  { path, isNew, isAlone }: { path: string; isNew: boolean; isAlone: boolean },
): string[] {
  const warnings: string[] = [];
  try {
    identity.raise();
    emptyLog(db);
    if (isAlone) share(db);
    identity.raise();
  } catch (error) {
    if (isNew || !isOutOfSpace(error)) throw error;
    if (isAlone) share(db);
    warnings.push(`nothing can be written to ${path} now: ${messageOf(error)}`);
  }
  if (process.platform !== 'win32' && (statSync(path).mode & OTHERS) !== 0)
    warnings.push(`the database file ${path} can be read by other users; chmod 600 it`);
  return warnings;
}

function isOutOfSpace(error: unknown): boolean {
  return isShortage(error) || hasCode(error, 'ENOSPC');
}

function close(db: Database, identity: Identity, held: Lock): void {
  try {
    identity.close();
    emptyLog(db);
  } catch {
    // Such as on a full disk. What is in the log stays there for the next start.
  }
  db.close();
  held.release();
}

/** Why a file cannot be used, for the person who starts the server. */
function reason(error: unknown): string {
  if (isForeign(error)) return 'is not an SQLite database; is it the right file?';
  if (isDamage(error)) return `is damaged (${messageOf(error)}); restore it from a backup`;
  return `cannot be opened: ${messageOf(error)}`;
}

/** The version of the schema that this program works with. */
export function schemaVersion(): number {
  return migrationFiles().length;
}

/** Raises FAILED_PRECONDITION for a file that is no database of ours. */
export function checkOurs(db: Database, path: string): void {
  try {
    if (pragma(db, 'application_id') === APPLICATION_ID) return;
  } catch (error) {
    throw refusal(path, reason(error));
  }
  throw refusal(path, 'is a database of another program; name one of Carillon');
}

/** Refuses another program's database, which has tables but not our mark. */
function identify(db: Database, path: string): void {
  const id = pragma(db, 'application_id');
  if (id === APPLICATION_ID) return;
  const [tables] = db.prepare<[count: number]>('SELECT count(*) FROM sqlite_schema').get() ?? [];
  if (id !== 0 || tables !== 0)
    throw refusal(path, 'is a database of another program; give Carillon its own file');
}

/** Applies the migrations that the file has not had. Each is one transaction, and only goes forward. */
function migrate(db: Database, path: string): void {
  const files = migrationFiles();
  const version = Number(pragma(db, 'user_version'));
  if (version > files.length) {
    throw refusal(
      path,
      `was written by a newer Carillon (schema ${version}; this version knows ${files.length}); upgrade Carillon`,
    );
  }
  db.define('is_secret_header', (name) => (isSecretHeader(name.toLowerCase()) ? 1 : 0));
  db.define('masked_headers', maskedHeaders);
  for (const [index, name] of files.entries()) {
    if (index < version) continue;
    const sql = readFileSync(new URL(name, MIGRATIONS), 'utf8');
    db.exec('BEGIN IMMEDIATE');
    db.exec(sql);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${index + 1}`);
    db.exec('COMMIT');
  }
}

function migrationFiles(): string[] {
  return readdirSync(MIGRATIONS)
    .filter((name) => name.endsWith('.sql'))
    .sort();
}
